"""What a setting may hold: its type, its range, and the shape of addresses and names."""

from __future__ import annotations

import math
import re
from dataclasses import Field
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any, Final

Value = str | int | float | bool | tuple[str, ...] | Path

_LABEL: Final = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_ORIGIN: Final = re.compile(r"https?://(?P<host>\[[^\[\]]*\]|[^:/?#@\[\]]+)(:[0-9]{1,5})?")
_ANY: Final = "*"


def is_address(text: str) -> bool:
    """IP addresses."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Host names or IP addresses without port, IPv6 in brackets."""
    if text.startswith("[") and text.endswith("]"):
        return is_address(text[1:-1]) and isinstance(ip_address(text[1:-1]), IPv6Address)
    return text == _ANY or _NAME.fullmatch(text) is not None


def is_origin(text: str) -> bool:
    """Origins like https://app.example.org:8443, without path."""
    match = _ORIGIN.fullmatch(text)
    return match is not None and match["host"] != _ANY and is_host(match["host"])


def checked(entry: Field[Any], value: Any) -> Value:  # noqa: ANN401 - whatever TOML holds
    """Return the value as its field has it. Raises ValueError saying what was expected."""
    match str(entry.type), value:
        case "int" | "float" as kind, int() | float() if _is_number(value, kind):
            _check_range(entry, value)
            return value if kind == "int" else float(value)
        case "tuple[str, ...]", list() if all(isinstance(part, str) and part for part in value):
            _check_each(entry, value)
            return tuple(value)
        case "Path", str() if value:
            return Path(value).absolute()
        case "bool", bool():
            return value
        case "str", str() if value:
            return value
        case str(kind), str() if kind.startswith("Literal") and repr(value) in kind:
            return value
    raise ValueError(f"expected {entry.type}")


def _is_number(value: float, kind: str) -> bool:
    """Return whether it is a finite number; whole where the setting counts something."""
    if isinstance(value, bool) or (kind == "int" and not isinstance(value, int)):
        return False
    return math.isfinite(value)


def _check_range(entry: Field[Any], value: float) -> None:
    least, most = entry.metadata["least"], entry.metadata["most"]
    if least is not None and value < least:
        raise ValueError(f"expected at least {least:,.0f}")
    if most is not None and value > most:
        raise ValueError(f"expected at most {most:,.0f}")


def _check_each(entry: Field[Any], parts: list[str]) -> None:
    """Raise ValueError with the number of the part at fault, never with what it says."""
    is_one = entry.metadata["each"]
    for number, part in enumerate(parts, start=1):
        if is_one is not None and not is_one(part):
            raise ValueError(
                f"expected {(is_one.__doc__ or '').rstrip('.')}, unlike number {number}"
            )

"""JSON documents read without forgiveness: each value asked for by type, nothing left over."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from appliance.core.errors import BundleRefused, FieldError

MAX_TEXT: Final = 8_000
MAX_ITEMS: Final = 256
_WELCOME: Final = "\n\t\u00a0"

_Choice = TypeVar("_Choice", bound=str)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document and the dotted path to it. Every refusal names that path.

    All methods raise BundleRefused (`manifest-invalid`) when the value is not what was asked.
    """

    path: str
    value: object

    def refuse(self, code: str, message: str) -> NoReturn:
        """Refuse the document because of this value."""
        at_fault = FieldError(field=self.path, code=code, message=message)
        raise BundleRefused(
            f"{self.path or 'the manifest'}: {message}.",
            errors=(at_fault,),
            reason="manifest-invalid",
        )

    def text(self, pattern: re.Pattern[str] | None = None, *, empty: bool = False) -> str:
        """Return a text of at most 8,000 characters that matches the pattern as a whole."""
        if not isinstance(self.value, str):
            self.refuse("type", "must be a text")
        if len(self.value) > MAX_TEXT or (not self.value and not empty):
            self.refuse("length", f"must have 1 to {MAX_TEXT} characters")
        if not _is_plain(self.value):
            self.refuse("characters", "must hold no control characters or lone surrogates")
        if pattern is not None and pattern.fullmatch(self.value) is None:
            self.refuse("pattern", f"must match {pattern.pattern}")
        return self.value

    def choice(self, choices: Collection[_Choice]) -> _Choice:
        """Return the one of the choices that is spelled like this."""
        found = next((choice for choice in choices if choice == self.value), None)
        if found is None:
            self.refuse("choice", f"must be one of {', '.join(sorted(choices))}")
        return found

    def flag(self) -> bool:
        """Return true or false; nothing is taken for either."""
        if not isinstance(self.value, bool):
            self.refuse("type", "must be true or false")
        return self.value

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.refuse("type", "must be an integer")
        if not low <= self.value <= high:
            self.refuse("range", f"must be from {low} to {high}")
        return self.value

    def number(self, low: float, high: float) -> float:
        """Return a finite number from low to high, both included."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self.refuse("type", "must be a number")
        if not low <= self.value <= high:
            self.refuse("range", f"must be from {low} to {high}")
        return float(self.value)

    def items(self, *, at_least: int = 0, at_most: int = MAX_ITEMS) -> list[Node]:
        """Return the elements of a list."""
        if not isinstance(self.value, list):
            self.refuse("type", "must be a list")
        if not at_least <= len(self.value) <= at_most:
            self.refuse("length", f"must have {at_least} to {at_most} elements")
        return [Node(f"{self.path}.{at}", value) for at, value in enumerate(self.value)]

    def entries(self, *, at_least: int = 0, at_most: int = MAX_ITEMS) -> dict[str, Node]:
        """Return the members of an object whose names are not known beforehand."""
        if not isinstance(self.value, dict):
            self.refuse("type", "must be an object")
        if not at_least <= len(self.value) <= at_most:
            self.refuse("length", f"must have {at_least} to {at_most} members")
        for name in self.value:
            Node(self.path, name).text()
        prefix = f"{self.path}." if self.path else ""
        return {name: Node(f"{prefix}{name}", value) for name, value in self.value.items()}

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Node]:
        """Return the members of an object: all required ones, and none that is unknown."""
        found = self.entries()
        for name in sorted(found.keys() - {*required, *optional}):
            found[name].refuse("unknown", "is not a known field")
        for name in sorted(set(required) - found.keys()):
            Node(f"{self.path}.{name}" if self.path else name, None).refuse(
                "required", "is missing"
            )
        return found

    def present(self) -> bool:
        """Return whether there is a value: null stands for none."""
        return self.value is not None


def read_json(content: bytes, *, max_bytes: int) -> Node:
    """Return the root of a UTF-8 JSON document.

    Raises:
        BundleRefused: `manifest-malformed`: too long, not UTF-8, not JSON, nested too deep, a
            name twice in one object, or a number that is none.
    """
    if len(content) > max_bytes:
        raise _malformed(f"is longer than {max_bytes} bytes")
    try:
        root = json.loads(
            content.decode(), object_pairs_hook=_members, parse_constant=_no_such_number
        )
    except RecursionError as error:
        raise _malformed("is nested too deep") from error
    except ValueError as error:
        raise _malformed("is not the JSON it should be") from error
    return Node("", root)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _malformed("has a name twice in one object")
    return members


def _no_such_number(_spelling: str) -> NoReturn:
    raise _malformed("holds a number that is none")


def _malformed(message: str) -> BundleRefused:
    return BundleRefused(f"The manifest {message}.", reason="manifest-malformed")


def _is_plain(text: str) -> bool:
    """Return whether nothing in it could fool a terminal or fail to be encoded."""
    return all(character.isprintable() or character in _WELCOME for character in text)

"""What a box can be told: one frozen value, read once, every field documented.

A value comes from the caller, else from the environment (`SPIRA_PORT=8443`), else from
`settings.toml`, else from its default. `settings_table` prints all of them for the handbook.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal

from appliance.core.errors import FieldError, FileMissing, SettingsInvalid
from appliance.core.setting_values import checked, is_address, is_host, is_origin

PREFIX: Final = "SPIRA_"
DIRECTORY_VARIABLE: Final = f"{PREFIX}DATA"
FILE_NAME: Final = "settings.toml"
DEFAULT_DATA: Final = "var/spira"
OUTSIDE_THE_FILE: Final = frozenset({"directory", "settings"})
"""Where the data directory and the file are cannot be said by the file itself."""


def n_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def _told(
    doc: str,
    *,
    unit: str = "",
    least: float | None = None,
    most: float | None = None,
    default: str = "",
    each: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    return {
        "doc": doc,
        "unit": unit,
        "least": least,
        "most": most,
        "default": default,
        "each": each,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a box can be told; see `settings_table` for units, ranges and defaults."""

    directory: Path = field(metadata=_told("the data directory, mode 0700", default=DEFAULT_DATA))
    keys: Path = field(
        metadata=_told("directory of the box's own secrets", default="`keys` in the data directory")
    )
    box_name: str = field(
        default="spira", metadata=_told("what the box is called on its network and its screens")
    )
    host: str = field(default="127.0.0.1", metadata=_told("address to listen on"))
    port: int = field(
        default=8000,
        metadata=_told("port to listen on; 0 takes any free one", least=0, most=65_535),
    )
    allowed_hosts: tuple[str, ...] = field(
        default=("localhost", "127.0.0.1", "[::1]"),
        metadata=_told(
            "names the box answers to (Host header, no port), against DNS rebinding; `*`: any",
            each=is_host,
        ),
    )
    cors_origins: tuple[str, ...] = field(
        default=(),
        metadata=_told("origins of a 2022 web app that is served elsewhere", each=is_origin),
    )
    metrics_addresses: tuple[str, ...] = field(
        default=("127.0.0.1", "::1"),
        metadata=_told("addresses that may read /metrics", each=is_address),
    )
    mode: Literal["inference", "collection"] = field(
        default="inference",
        metadata=_told("inference, or collection: recordings without model and result"),
    )
    show_probabilities: bool = field(
        default=False, metadata=_told("whether the web app shows probabilities to people")
    )
    offline_app: bool = field(
        default=True,
        metadata=_told("whether tablets keep the web app; `false` takes a faulty one back"),
    )
    token_minutes: int = field(
        default=60, metadata=_told("how long a sign-in lasts", unit="min", least=5, most=720)
    )
    max_json_bytes: int = field(
        default=262_144,
        metadata=_told("largest JSON body", unit="bytes", least=16_384, most=4_194_304),
    )
    max_json_depth: int = field(
        default=20,
        metadata=_told("deepest nesting of a JSON body", unit="levels", least=8, most=64),
    )
    n_workers: int = field(
        default_factory=n_cores,
        metadata=_told("threads that compute results", least=1, most=64, default="one a core"),
    )
    job_timeout_s: float = field(
        default=30.0, metadata=_told("a run of a model is ended after this", unit="s", least=1)
    )
    lease_s: float = field(
        default=120.0,
        metadata=_told(
            "a worker silent for so long loses its job; twice `job_timeout_s` at least", unit="s"
        ),
    )
    reconcile_every_s: float = field(
        default=60.0,
        metadata=_told("unfinished results are looked for this often", unit="s", least=1, most=600),
    )
    quiet_hour: int = field(
        default=3,
        metadata=_told("local hour of models' nightly trial", unit="h", least=0, most=23),
    )
    shutdown_s: int = field(
        default=10,
        metadata=_told("an orderly stop waits so long for requests and jobs", unit="s", least=1),
    )
    reserve_bytes: int = field(
        default=268_435_456,
        metadata=_told(
            "free space recordings never touch, and new inferences only half of; an eighth of "
            "a small disk",
            unit="bytes",
            least=16_777_216,
        ),
    )
    ballast_bytes: int = field(
        default=67_108_864,
        metadata=_told(
            "space held in `ballast/` and given up on a full disk, so that sign-in, reads and "
            "results go on; a sixteenth of a small disk",
            unit="bytes",
            least=0,
        ),
    )
    log_level: Literal["debug", "info", "warning", "error"] = field(
        default="info", metadata=_told("least severe event to log: debug, info, warning or error")
    )


def read_settings(
    environment: Mapping[str, str],
    *,
    directory: Path | None = None,
    host: str | None = None,
    port: int | None = None,
) -> Settings:
    """Return the settings: arguments, then environment, then file, then defaults.

    Args:
        environment: of the process; `SPIRA_SETTINGS` names another file than `settings.toml`
            in the data directory.
        directory: `--data` of the command line; made absolute.
        host: `--host`.
        port: `--port`.

    Raises:
        SettingsInvalid: errors name every unknown key, wrong type and wrong value.
        FileMissing: `SPIRA_SETTINGS` names a file that cannot be read.
    """
    named = directory or environment.get(DIRECTORY_VARIABLE) or DEFAULT_DATA
    place = Path(named).absolute()
    values: dict[str, Any] = {"directory": place, "keys": place / "keys"}
    faults = []
    said = _from_file(_file(environment, place)) | _from_environment(environment)
    said |= {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    known = {entry.name: entry for entry in fields(Settings)}
    for key, value in said.items():
        if key not in known:
            faults.append(FieldError(field=key, code="unknown", message="no such setting"))
            continue
        try:
            values[key] = checked(known[key], value)
        except ValueError as error:
            faults.append(FieldError(field=key, code="value", message=str(error)))
    if faults:
        raise SettingsInvalid(_sentence(faults), errors=tuple(faults))
    return _consistent(Settings(**values))


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return `SPIRA_*` names that set nothing, to be warned of.

    They are not refused: the environment is shared with other programs.
    """
    known = {_variable(entry) for entry in fields(Settings)} | {f"{PREFIX}SETTINGS"}
    return tuple(sorted(n for n in environment if n.startswith(PREFIX) and n not in known))


def settings_table() -> str:
    """Return all settings as a Markdown table."""
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    yield "| setting | environment | unit | range | default | meaning |"
    yield "|---|---|---|---|---|---|"
    for entry in fields(Settings):
        told = entry.metadata
        least, most = told["least"], told["most"]
        bounds = " to ".join(f"{bound:,.0f}" for bound in (least, most) if bound is not None)
        if least is not None and most is None:
            bounds = f"≥ {bounds}"
        default = told["default"] or f"`{_spelled(entry.default)}`"
        names = f"`{entry.name}` | `{_variable(entry)}`"
        yield f"| {names} | {told['unit']} | {bounds} | {default} | {told['doc']} |"


def _variable(entry: Field[Any]) -> str:
    """Return the name of a setting in the environment."""
    return DIRECTORY_VARIABLE if entry.name == "directory" else f"{PREFIX}{entry.name.upper()}"


def _spelled(value: object) -> str:
    """Return a value as settings.toml spells it."""
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(_spelled(part) for part in value)}]"
        case str():
            return f'"{value}"'
    return str(value)


def _file(environment: Mapping[str, str], directory: Path) -> Path | None:
    named = environment.get(f"{PREFIX}SETTINGS")
    if named:
        if not Path(named).is_file():
            raise FileMissing(file=FILE_NAME)
        return Path(named)
    usual = directory / FILE_NAME
    return usual if usual.exists() else None


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileMissing(file=FILE_NAME) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fault = FieldError(field=FILE_NAME, code="toml", message="not valid TOML")
        raise SettingsInvalid(f"{FILE_NAME} is not valid TOML.", errors=(fault,)) from error
    misplaced = OUTSIDE_THE_FILE & found.keys()
    if misplaced:
        faults = tuple(
            FieldError(field=key, code="unknown", message="cannot be set in the file")
            for key in sorted(misplaced)
        )
        raise SettingsInvalid(_sentence(faults), errors=faults)
    return found


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for entry in fields(Settings):
        text = environment.get(_variable(entry))
        if text is not None and entry.name not in OUTSIDE_THE_FILE:
            said[entry.name] = _parsed(entry, text)
    return said


def _parsed(entry: Field[Any], text: str) -> object:
    """Return the text of a variable as TOML would have read it; the text itself if it cannot."""
    match str(entry.type):
        case "int" | "float" | "bool":
            try:
                return tomllib.loads(f"value = {text.strip().lower()}")["value"]
            except tomllib.TOMLDecodeError:
                return text
        case "tuple[str, ...]":
            return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _consistent(settings: Settings) -> Settings:
    if settings.lease_s < 2 * settings.job_timeout_s:
        fault = FieldError(
            field="lease_s", code="value", message="expected twice job_timeout_s at least"
        )
        raise SettingsInvalid(_sentence((fault,)), errors=(fault,))
    return settings


def _sentence(faults: tuple[FieldError, ...] | list[FieldError]) -> str:
    return "; ".join(f"{fault.field}: {fault.message}" for fault in faults)

"""How a training on real voices is set: what nobody set, what a file says, what was told."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.core.errors import FieldError, InvalidRequest
from models.model_directory import read_file
from models.training.augmentation import Augmentation
from models.training.augmentation import faults as augmentation_faults
from models.training.patient_split import Shares
from models.training.plan import TrainingPlan

DEFAULTS: Final = TrainingPlan(
    n_train=0,
    n_validation=0,
    n_test=0,
    n_epochs=60,
    patience=15,
    dropout=0.5,
    learning_rate=1e-3,
    weight_decay=0.01,
    augmentation=Augmentation(),
)
"""Nearer to the publication than those of the synthetic voices: of a few hundred patients more is
learned by heart."""

_AUGMENTATION: Final = "augmentation"
_SHARES: Final = ("validation_share", "test_share")
_COUNTED: Final = frozenset({"n_train", "n_validation", "n_test"})
_PLAN: Final = frozenset(field.name for field in fields(TrainingPlan)) - _COUNTED
_CHANGES: Final = frozenset(field.name for field in fields(Augmentation))


def read_settings(
    path: Path | None, told: Mapping[str, int | None], defaults: TrainingPlan = DEFAULTS
) -> tuple[TrainingPlan, Shares]:
    """Return settings of a training, and the shares of its parts.

    Args:
        path: TOML: the settings of `TrainingPlan` but its numbers of people, `validation_share`,
            `test_share`, and those of `Augmentation` in `[augmentation]`; None: the defaults.
        told: settings that count more than those of the file; None is not told.
        defaults: settings that count least.

    Raises:
        FileMissing: the file cannot be read.
        InvalidRequest: it is no TOML, or the errors name what is unknown or out of its range.
    """
    found = {} if path is None else _read(path)
    found |= {name: value for name, value in told.items() if value is not None}
    place = "settings" if path is None else path.name
    plain = asdict(defaults)
    shares = Shares()
    try:
        validation_share, test_share = (
            msgspec.convert(found.pop(name, getattr(shares, name.removesuffix("_share"))), float)
            for name in _SHARES
        )
        changes = {**plain.pop(_AUGMENTATION), **found.pop(_AUGMENTATION, {})}
        plan = msgspec.convert({**plain, **found, _AUGMENTATION: changes}, TrainingPlan)
    except msgspec.ValidationError as error:
        raise _refused(place, [(place, "type", str(error))]) from error
    faults = [(f"{place}, {name}", "range", message) for name, message in _faults(plan)]
    if faults:
        raise _refused(place, faults)
    return plan, Shares(validation=validation_share, test=test_share)


def _read(path: Path) -> dict[str, Any]:
    """Return a file's settings, none of them unknown."""
    try:
        found = tomllib.loads(read_file(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(path.name, [(path.name, "malformed", str(error))]) from error
    changes = found.get(_AUGMENTATION, {})
    if not isinstance(changes, dict):
        raise _refused(path.name, [(_AUGMENTATION, "type", "must be a table, [augmentation]")])
    unknown = sorted(found.keys() - _PLAN - set(_SHARES))
    unknown += sorted(f"{_AUGMENTATION}.{name}" for name in changes.keys() - _CHANGES)
    if unknown:
        known = f"none of {', '.join(sorted(_PLAN | set(_SHARES)))}; {', '.join(sorted(_CHANGES))}"
        raise _refused(path.name, [(f"{path.name}, {name}", "unknown", known) for name in unknown])
    return found


def _faults(plan: TrainingPlan) -> Iterator[tuple[str, str]]:
    """Yield each setting that is out of its range, and the range."""
    ranges = {
        "0 to 2^63 - 1": {"seed": 0 <= plan.seed < 2**63},
        "0 or more": {"patience": plan.patience >= 0},
        "1 or more": {
            name: getattr(plan, name) >= 1 for name in ("n_epochs", "batch", "n_threads")
        },
        "0 to below 1": {"dropout": 0.0 <= plan.dropout < 1.0},
        "above 0": {"learning_rate": 0.0 < plan.learning_rate < math.inf},
        "0 and above": {"weight_decay": 0.0 <= plan.weight_decay < math.inf},
    }
    for its_range, kept in ranges.items():
        yield from ((name, f"must be {its_range}") for name, is_kept in kept.items() if not is_kept)
    for name, message in augmentation_faults(plan.augmentation):
        yield f"{_AUGMENTATION}.{name}", message


def _refused(place: str, faults: list[tuple[str, str, str]]) -> InvalidRequest:
    errors = tuple(FieldError(field=f, code=code, message=message) for f, code, message in faults)
    return InvalidRequest(f"{place}: a training cannot be set like this.", errors=errors)

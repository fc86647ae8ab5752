"""What a person asks a training for, made into voices and settings, or refused by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest
from models.demonstrating import NAME
from models.labelled.reading import read_labelled
from models.labelled.table import DEFAULT_ROLE
from models.model_directory import read_file, read_statement
from models.training.labelled_voices import labelled_voices
from models.training.material import Voices
from models.training.plan import TrainingPlan
from models.training.settings import read_settings
from models.training.synthetic import synthetic_voices

UNNAMED: Final = "spiraconv"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_OF_RECORDINGS: Final = ("labels", "role", "statement", "settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A training as it was asked for; None is not asked.

    Attributes:
        source: labelled recordings (`models.labelled.reading`); None: synthetic voices.
        labels: a CSV, of an export.
        role: of the recordings of a CSV.
        statement: the author's `bundle.toml`.
        settings: TOML (`models.training.settings`).
        told: settings that count more than those of the file.
        name: of the model.
    """

    source: Path | None
    labels: Path | None = None
    role: str | None = None
    statement: Path | None = None
    settings: Path | None = None
    told: Mapping[str, int | None]
    name: str | None = None


def voices_asked(asked: Asked) -> tuple[str, Voices]:
    """Return the name of the model, and the voices to train it on, unheard.

    Raises:
        InvalidRequest: the errors name the option, setting, file or line at fault.
        FileMissing: a file cannot be read.
    """
    if asked.name is not None and _NAME.fullmatch(asked.name) is None:
        raise _refused({"name": f"must match {_NAME.pattern}"})
    if asked.source is None:
        return asked.name or NAME, _synthetic(asked)
    plan, shares = read_settings(asked.settings, asked.told)
    stated, name = None, asked.name or UNNAMED
    if asked.statement is not None:
        stated = (read_statement(asked.statement), read_file(asked.statement))
        name = asked.name or stated[0].name
    labelled = read_labelled(asked.source, labels=asked.labels, role=asked.role or DEFAULT_ROLE)
    return name, labelled_voices(labelled, plan, name=name, shares=shares, stated=stated)


def _synthetic(asked: Asked) -> Voices:
    unused = [name for name in _OF_RECORDINGS if getattr(asked, name) is not None]
    if unused:
        raise _refused(dict.fromkeys(unused, "only of recordings: name them (SOURCE)"))
    plan, _ = read_settings(None, asked.told, defaults=TrainingPlan())
    return synthetic_voices(plan)


def _refused(faults: Mapping[str, str]) -> InvalidRequest:
    errors = tuple(FieldError(field=f, code="invalid", message=m) for f, m in faults.items())
    return InvalidRequest("A training cannot be asked for like this.", errors=errors)

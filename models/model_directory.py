"""A model on the workstation: one directory, from training or the registry, ready to be packed.

weights.npz     parameters, without pickle
record.json     how it was trained, and how good it is
source.json     where it lies in MLflow
bundle.toml     what its author says of it: version, intended use, limits, population
trained_on.sha256   recordings of people that it was trained on, by digest (models.labelled)
golden/         golden.json and the recordings it names
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from appliance.core.errors import FieldError, FileMissing, InvalidRequest
from appliance.core.manifest import Metric, Population, RoleInput, RuntimeRange, Source
from models.training.epoch import Epoch
from models.training.plan import TrainingPlan

WEIGHTS: Final = "weights.npz"
RECORD: Final = "record.json"
SOURCE: Final = "source.json"
STATEMENT: Final = "bundle.toml"
GOLDEN: Final = "golden"
GOLDEN_INDEX: Final = "golden.json"

_TEXTS: Final = ("licence", "intended_use", "limits")

_Document = TypeVar("_Document")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """What a run did, kept beside its weights.

    Attributes:
        trained_at: when it ended.
        training_s: how long it took, from voices to the last epoch, since it was last taken up.
        digests: part -> SHA-256 of its labels and samples; of real voices `dataset` and `split`
            (who is in which part), too.
        n_recordings: trained on.
        t_low, t_high: by `threshold_rule`, on the validation split.
        metrics: on the test split.
        software: package -> version.
        weights_sha256: of weights.npz.
    """

    description: str
    trained_at: datetime
    training_s: float
    plan: TrainingPlan
    digests: Mapping[str, str]
    n_recordings: int
    best_epoch: int
    epochs: tuple[Epoch, ...]
    t_low: float
    t_high: float
    threshold_rule: str
    metrics: tuple[Metric, ...]
    software: Mapping[str, str]
    weights_sha256: str

    def metric(self, name: str) -> Metric:
        """Return the metric of that name. Raises KeyError."""
        return {metric.name: metric for metric in self.metrics}[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What only the author can say; `version` is `major.minor.patch`, `sequence` rises with it."""

    name: str
    version: str
    sequence: int
    demonstration: bool
    licence: str
    intended_use: str
    limits: str
    protocols: tuple[str, ...]
    roles: tuple[RoleInput, ...]
    population: Population
    onnxruntime: RuntimeRange
    golden_tolerance: float


def encode_json(document: object) -> bytes:
    """Return a record or source as indented JSON, one newline at the end."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def read_record(directory: Path) -> TrainingRecord:
    """Return `record.json`. Raises FileMissing, InvalidRequest."""
    return _json(directory / RECORD, TrainingRecord)


def read_source(directory: Path) -> Source:
    """Return `source.json`. Raises FileMissing, InvalidRequest."""
    return _json(directory / SOURCE, Source)


def read_statement(path: Path, *, draft: bool = False) -> Statement:
    """Return the author's `bundle.toml`; a draft with empty texts is none yet.

    Args:
        path: of the file.
        draft: let a draft pass, for what its author is told before it is packed.

    Raises:
        FileMissing, InvalidRequest.
    """
    content = read_file(path)
    try:
        statement = msgspec.toml.decode(content, type=Statement)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(path, error) from error
    unsaid = [name for name in _TEXTS if not getattr(statement, name).strip()]
    if unsaid and not draft:
        raise InvalidRequest(
            f"{path.name} is a draft: its author has yet to say {', '.join(unsaid)}.",
            errors=tuple(
                FieldError(field=f"{path.name}, {name}", code="required", message="is empty")
                for name in unsaid
            ),
        )
    return statement


def read_file(path: Path) -> bytes:
    """Return a file's bytes. Raises FileMissing."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileMissing(f"{path.name} cannot be read.", file=path.name) from error


def _json(path: Path, kind: type[_Document]) -> _Document:
    content = read_file(path)
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise _malformed(path, error) from error


def _malformed(path: Path, error: Exception) -> InvalidRequest:
    at_fault = FieldError(field=path.name, code="malformed", message=str(error))
    return InvalidRequest(f"{path.name} is malformed: {error}", errors=(at_fault,))

"""What the author of any model says of it: `bundle.toml`, whole, and the golden recordings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.manifest import (
    GOLDEN_PREFIX,
    METADATA_INPUT,
    Encoding,
    GoldenCase,
    MetadataField,
    Metric,
)
from appliance.core.metadata import encode_metadata
from models.golden import GoldenSet, waveform
from models.model_directory import GOLDEN_INDEX, STATEMENT, Statement, read_file

Form = Mapping[str, object]
Waveforms = Mapping[str, NDArray[np.float32]]
"""Role -> float32[n_samples] at 16 kHz; an absent role is no member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One column of the input `metadata`, as in the manifest."""

    field: str
    encoding: Encoding
    missing: float
    categories: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What the model learned from, and when; `digest` is the SHA-256 of the list of its voices."""

    description: str
    digest: str
    n_recordings: int
    trained_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """Where a probability is positive and negative, and the rule these were chosen by."""

    t_low: float
    t_high: float
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorStatement(Statement):
    """`bundle.toml` of a model that brings no training record of ours."""

    training: Trained
    operating_point: OperatingPoint
    metrics: tuple[Metric, ...]
    metadata: tuple[Answer, ...] = ()

    @property
    def role_names(self) -> tuple[str, ...]:
        """The recordings the model hears, in order."""
        return tuple(entry.role for entry in self.roles)

    @property
    def answers(self) -> tuple[MetadataField, ...]:
        """The answers the model is told, as the manifest spells them."""
        return tuple(
            MetadataField(
                field=answer.field,
                encoding=answer.encoding,
                missing=answer.missing,
                categories=answer.categories,
            )
            for answer in self.metadata
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs of the graph, in order."""
        return (*self.role_names, METADATA_INPUT) if self.metadata else self.role_names

    def feed(self, waveforms: Waveforms, form: Form) -> dict[str, NDArray[np.float32]]:
        """Return float32[1, n] by input, as the box gives it. Raises PredictionFailed."""
        absent = np.zeros(0, dtype=np.float32)
        given = {role: waveforms.get(role, absent)[np.newaxis] for role in self.role_names}
        if self.metadata:
            given[METADATA_INPUT] = encode_metadata(form, self.answers)
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorCase:
    """A golden case; without a probability it is the model's own, found while it is taken."""

    id: str
    recordings: Mapping[str, str]
    metadata: Mapping[str, object] = dataclasses.field(default_factory=dict)
    probability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cases:
    cases: tuple[AuthorCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorGolden:
    """The golden cases of an author, and the bytes of the WAV files they name."""

    cases: tuple[AuthorCase, ...]
    files: Mapping[str, bytes]

    def waveforms(self, case: AuthorCase) -> dict[str, NDArray[np.float32]]:
        """Return a case's recordings as the box would give them to the graph."""
        return {role: waveform(self.files[name]) for role, name in case.recordings.items()}

    def scored(self, probabilities: Mapping[str, float]) -> GoldenSet:
        """Return the cases with the probabilities of the model, by id."""
        cases = tuple(
            GoldenCase(
                id=case.id,
                recordings=case.recordings,
                metadata=case.metadata,
                probability=probabilities[case.id],
            )
            for case in self.cases
        )
        return GoldenSet(cases=cases, files=self.files)


def read_author_statement(path: Path) -> AuthorStatement:
    """Return `bundle.toml` of a model of any kind; an unknown key is refused, not passed over.

    Raises:
        FileMissing, InvalidRequest: the field at fault is named.
    """
    content = read_file(path)
    try:
        keys = msgspec.toml.decode(content)
        known = {entry.name for entry in dataclasses.fields(AuthorStatement)}
        unknown = sorted(keys.keys() - known)
        if unknown:
            raise _malformed(f"it has {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        found = msgspec.toml.decode(content, type=AuthorStatement)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(str(error)) from error
    if found.training.trained_at.tzinfo is None:
        raise _malformed("training.trained_at has no time zone: write 2026-01-31T12:00:00Z")
    return found


def read_author_golden(directory: Path) -> AuthorGolden:
    """Return the golden cases that lie with the model: `golden.json` and the files it names.

    Args:
        directory: holds them side by side, as MLflow keeps extra files.

    Raises:
        FileMissing, InvalidRequest.
    """
    content = read_file(directory / GOLDEN_INDEX)
    try:
        cases = msgspec.json.decode(content, type=_Cases).cases
    except msgspec.DecodeError as error:
        raise _malformed(str(error), GOLDEN_INDEX) from error
    names = sorted({name for case in cases for name in case.recordings.values()})
    if not cases or not all(_is_golden(name) for name in names):
        raise _malformed(f"it needs a case, and recordings under {GOLDEN_PREFIX}", GOLDEN_INDEX)
    files = {name: read_file(directory / Path(name).name) for name in names}
    return AuthorGolden(cases=cases, files=files)


def _is_golden(name: str) -> bool:
    return name.startswith(GOLDEN_PREFIX) and name.count("/") == 1 and name.endswith(".wav")


def _malformed(reason: str, name: str = STATEMENT) -> InvalidRequest:
    at_fault = FieldError(field=name, code="malformed", message=reason)
    return InvalidRequest(f"{name} is malformed: {reason}", errors=(at_fault,))

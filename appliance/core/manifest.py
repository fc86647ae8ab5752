"""What a model bundle says of itself: `manifest.json`, version 1 (BUNDLE.md).

These are the values; `manifest_json` reads them and `manifest_encoding` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

FORMAT: Final = "spira-bundle/1"
MANIFEST_NAME: Final = "manifest.json"
SIGNATURE_NAME: Final = "manifest.sig"
GRAPH_NAME: Final = "model.onnx"
CARD_NAME: Final = "card.md"
GOLDEN_PREFIX: Final = "golden/"

METADATA_INPUT: Final = "metadata"
"""The graph's input for answers of the form."""

ROLES: Final = ("sustentada", "parlenda", "frase", "ruido")
"""Recordings a model may hear. The spoken consent is not among them."""

CONTROL_FLOW: Final = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operators that run a graph within a graph; only those the manifest names may occur."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the weights come from in MLflow; None where they never were in a registry."""

    model_uri: str
    run_id: str | None
    model_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the model learned from; `digest` is the SHA-256 of that data set's index."""

    description: str
    digest: str
    n_recordings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleInput:
    """A recording the graph hears. An optional one that is absent is given as `[1, 0]`."""

    role: str
    required: bool


class Encoding(StrEnum):
    """How an answer of the form becomes a number."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataField:
    """One column of the graph's `metadata` input.

    Attributes:
        missing: stands for an answer that is absent, or a category not listed.
        categories: answer -> number; empty unless the encoding is `category`.
    """

    field: str
    encoding: Encoding
    missing: float
    categories: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Whom the model was evaluated on. None: not restricted. Ages in years, both included."""

    age_min: int | None = None
    age_max: int | None = None
    mask_types: tuple[str, ...] | None = None
    o2_supports: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    sample_types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure with its interval; `on` says on what data, `n` on how many recordings."""

    name: str
    value: float
    low: float | None
    high: float | None
    n: int
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """How `t_low` and `t_high` were chosen, and the calibration that is in the graph with them.

    Attributes:
        rule: in words.
        digest: SHA-256 of the cases they were chosen by; no metric is of those.
        n_positive, n_negative: their patients.
        slope, intercept: of the logits: sigmoid(slope * logit(p) + intercept).
    """

    rule: str
    digest: str
    n_positive: int
    n_negative: int
    slope: float
    intercept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRange:
    """ONNX Runtime versions the graph was tried with: `minimum` included, `below` not."""

    minimum: str
    below: str

    def includes(self, version: str) -> bool:
        """Return whether a version such as `1.32.0` is in the range."""
        return _version(self.minimum) <= _version(version) < _version(self.below)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCase:
    """Recordings with the probability every box must find for them.

    Attributes:
        recordings: role -> name of a WAV in the bundle.
        metadata: field -> answer, as in a form.
    """

    id: str
    recordings: Mapping[str, str]
    metadata: Mapping[str, object]
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """The self-test of a bundle: each case must agree within the tolerance."""

    tolerance: float
    cases: tuple[GoldenCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """What a file of the bundle must be: its length and lower-case SHA-256."""

    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything the box knows of a model version. Signed, so it is believed.

    Attributes:
        name: of the model, `[a-z0-9][a-z0-9-]{0,63}`.
        version: `major.minor.patch`.
        sequence: 1 or above, rising with every version of a model: guards against rollback.
        t_low, t_high: 0 <= t_low <= t_high <= 1; BUNDLE.md says what they mean.
        opset: the graph's version of the `ai.onnx` operators.
        control_flow: operators of `CONTROL_FLOW` the graph may use.
        files: all files but the manifest and its signature, by name.
        operating_point: None where the author states thresholds without one.
    """

    name: str
    version: str
    sequence: int
    created_at: datetime
    source: Source
    training: Training
    roles: tuple[RoleInput, ...]
    sample_rate_hz: int
    resampler: str
    metadata: tuple[MetadataField, ...]
    protocols: tuple[str, ...]
    population: Population
    t_low: float
    t_high: float
    metrics: tuple[Metric, ...]
    intended_use: str
    limits: str
    licence: str
    demonstration: bool
    opset: int
    onnxruntime: RuntimeRange
    control_flow: tuple[str, ...]
    golden: Golden
    files: Mapping[str, FileEntry]
    operating_point: OperatingPoint | None = None

    @property
    def graph_sha256(self) -> str:
        """Digest of the graph: the name every result knows it by."""
        return self.files[GRAPH_NAME].sha256


def _version(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, without trailing zeros: 1.20.0 is 1.20."""
    numbers: list[int] = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)

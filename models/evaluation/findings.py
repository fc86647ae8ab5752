"""What an evaluation found: values that are kept, told on the card and carried in the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.core.manifest import Metric
from models.evaluation.areas import Interval
from models.evaluation.calibration import Calibration
from models.evaluation.operating import ChosenPoint


class Verdict(StrEnum):
    """What a probe says of a model."""

    SPURIOUS = "spurious"
    NO_SIGN = "no-sign"
    TOO_FEW = "too-few"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFinding:
    """How well the model tells the labels apart where it must not be able to.

    Attributes:
        name: of the probe.
        area: under the ROC curve, its interval over patients; None where too few could be probed.
        n_positive, n_negative: patients.
        verdict: spurious where the lower bound is above 0.5.
    """

    name: str
    area: Interval | None
    n_positive: int
    n_negative: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipFinding:
    """How many answers change when the noise of a ward is mixed into quiet recordings.

    Attributes:
        n: patients with quiet recordings, one case each.
        flips: share of answers that change, Wilson interval; None without anybody.
        n_to_positive: patients without the disease who become positive.
        n_to_negative: patients with the disease who become negative.
        is_fragile: whether the lower bound is above the share that is stated.
    """

    snr_db: int
    n: int
    n_flips: int
    flips: Interval | None
    n_to_positive: int
    n_to_negative: int
    is_fragile: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFinding:
    """What can be told without listening.

    Attributes:
        name: `form`, `duration`, or `model_on_form`: the model itself, with made noise for voices.
        columns: fields or roles it knows.
        area: of its cross-validated answers, over pairs of one fold; of the model itself, over all
            pairs; None with too few patients or nothing to know.
        gain: the model's area over the same pairs less its own, or less 0.5 where its own is lower,
            on the same draws of patients.
    """

    name: str
    columns: tuple[str, ...]
    area: Interval | None
    gain: Interval | None
    n_positive: int
    n_negative: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport:
    """Whether the model hears what it must not; `ward_noise` says what was mixed in."""

    probes: tuple[ProbeFinding, ...]
    flips: tuple[FlipFinding, ...]
    baselines: tuple[BaselineFinding, ...]
    ward_noise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One answer of the model, or one reason of `inconclusive`, by the reference standard."""

    answer: str
    n_positive: int
    n_negative: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Whom the metrics are of.

    Attributes:
        description: of the source.
        digest: SHA-256 of the cases the metrics are of: the test part.
        n_positive, n_negative: its patients.
        n_cases: of these patients; metrics take the first of each, areas all.
        n_left_out: cases without a label.
        n_trained_on: patients left out since the model was trained on them; None where nothing
            says whom it was trained on.
    """

    description: str
    digest: str
    n_positive: int
    n_negative: int
    n_cases: int
    n_left_out: int
    n_trained_on: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is kept beside a model, as `evaluation.json`.

    Attributes:
        graph_sha256: of the graph that was heard, before any calibration of this evaluation.
        seed, n_draws: with the same data they give the same evaluation.
        point: None where thresholds and probabilities stay the model's own.
        t_low, t_high: what the metrics are at.
        table: three answers, then the reasons of `inconclusive`, by the reference standard.
        roc: (1 - specificity, sensitivity).
        uncalibrated: before the operating point's calibration; None without one.
        warnings: sentences that a hospital must read.
    """

    model_name: str
    model_version: str
    graph_sha256: str
    software: str
    sample: Sample
    seed: int
    n_draws: int
    point: ChosenPoint | None
    t_low: float
    t_high: float
    metrics: tuple[Metric, ...]
    answers: tuple[TableRow, ...]
    reasons: tuple[TableRow, ...]
    roc: tuple[tuple[float, float], ...]
    calibration: Calibration
    uncalibrated: Calibration | None
    leaks: LeakReport
    warnings: tuple[str, ...]

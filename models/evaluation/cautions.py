"""The sentences a hospital must read: where a bound says that the model hears something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.evaluation.areas import Interval
from models.evaluation.findings import BaselineFinding, FlipFinding, LeakReport, Verdict
from models.evaluation.leaks import CHANCE, DURATION, FORM, FRAGILE_FROM, MODEL_ON_FORM
from models.evaluation.probes import LENGTH, PAUSES, ROOM

_HEARS: Final = {
    ROOM: "on the sound of the room alone, without a word of the patient,",
    LENGTH: "on made noise that has nothing of the recordings but their length",
    PAUSES: "on the parts of the recordings in which nobody speaks",
}
_CAUSE: Final = {
    ROOM: "it hears where the patient lies, not how ill the patient is",
    LENGTH: "it goes by how long a recording is",
    PAUSES: "it hears the room or the device, not the voice",
}

_WITHOUT_VOICE: Final = {
    FORM: "the form alone",
    MODEL_ON_FORM: "itself on the form alone, with noise in place of the voice",
    DURATION: "the lengths alone",
}


def warnings_of(leaks: LeakReport, *, n_trained_on: int | None) -> Iterator[str]:
    """Yield the warnings, the gravest first.

    Args:
        leaks: what was found.
        n_trained_on: patients left out since the model was trained on them; None: nobody knows.
    """
    for probe in leaks.probes:
        if probe.verdict is Verdict.SPURIOUS and probe.area is not None:
            yield (
                f"Spurious: {_HEARS[probe.name]} the model tells patients with the disease from "
                f"others better than chance ({said(probe.area)}): {_CAUSE[probe.name]}."
            )
    if n_trained_on is None:
        yield (
            "Trained on whom is not known: nothing beside the model says which recordings it has "
            "learned from, so that these figures may be of its own training data."
        )
    yield from (_fragile(one) for one in leaks.flips if one.is_fragile)
    for baseline in leaks.baselines:
        yield from _of_baseline(baseline)


def said(area: Interval) -> str:
    """Return an area with its interval."""
    return f"AUC {area.value:.3f}, 95 % interval {area.low:.3f} to {area.high:.3f}"


def _fragile(one: FlipFinding) -> str:
    low = one.flips.low if one.flips else 0.0
    return (
        f"Fragile: noise of a ward at {one.snr_db} dB changes {one.n_flips} of {one.n} answers on "
        f"quiet recordings, {100 * low:.1f} % at the lower bound ({100 * FRAGILE_FROM:.0f} % is "
        "allowed)."
    )


def _of_baseline(baseline: BaselineFinding) -> Iterator[str]:
    if baseline.area is None or baseline.gain is None:
        return
    if baseline.area.low > CHANCE and baseline.name == DURATION:
        yield (
            "Confounded data: the lengths of the recordings alone tell the labels apart "
            f"({said(baseline.area)}): a model may have learnt them."
        )
    if baseline.area.low > CHANCE and baseline.name == MODEL_ON_FORM:
        yield (
            f"Goes by the form: told the answers ({', '.join(baseline.columns)}) and given noise "
            "in place of the voice, the model tells patients with the disease from others better "
            f"than chance ({said(baseline.area)}). A model may use the form; but then its answer "
            "is not of the voice alone, and it changes where forms are answered otherwise than in "
            "these data (who wears a mask, for one)."
        )
    if baseline.gain.low <= 0:
        yield (
            f"Not shown to be better than {_WITHOUT_VOICE[baseline.name]}: the model's area less "
            f"theirs, or less chance where theirs is lower, is {baseline.gain.value:+.3f} "
            f"(95 % interval {baseline.gain.low:+.3f} to {baseline.gain.high:+.3f})."
        )

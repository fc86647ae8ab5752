"""An evaluation told at the console."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.evaluation.findings import Evaluation
from models.metric_words import WORDS, words_of

_WIDTH: Final = max(map(len, WORDS.values()))


def document(found: Evaluation, directory: Path) -> dict[str, object]:
    """Return what a program is told."""
    point = found.point
    return {
        "evaluation": {
            "directory": str(directory),
            "n_positive": found.sample.n_positive,
            "n_negative": found.sample.n_negative,
            "n_trained_on": found.sample.n_trained_on,
            "digest": found.sample.digest,
            "t_low": found.t_low,
            "t_high": found.t_high,
            "rule": point.rule if point else None,
            "metrics": [
                {"name": one.name, "value": one.value, "low": one.low, "high": one.high, "n": one.n}
                for one in found.metrics
            ],
            "warnings": list(found.warnings),
        }
    }


def lines(found: Evaluation, directory: Path, model: Path) -> list[str]:
    """Return what a person is told, the warnings before what to do next."""
    sample = found.sample
    told = [f"{sample.n_positive} patients with the disease, {sample.n_negative} without"]
    if sample.n_trained_on:
        told.append(f"left out: {sample.n_trained_on} patients the model was trained on")
    for one in found.metrics:
        interval = "" if one.low is None else f" ({one.low:.3f} to {one.high:.3f})"
        told.append(f"  {words_of(one.name):{_WIDTH}} {one.value:.3f}{interval}")
    told.append(f"positive from {found.t_high:.3f}, negative up to {found.t_low:.3f}")
    told += found.warnings or ["No warning: see the report for what was looked at."]
    told.append(f"The report is {directory / 'evaluation.html'}")
    if model.is_dir() and directory == model:
        told.append(f"Next: spira models pack {model} --key KEY")
    return told

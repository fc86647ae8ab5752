"""All cases through the model, and their probes, one case in memory at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.evaluation.calibration import Platt
from models.evaluation.leaks import Probed
from models.evaluation.listening import Heard, Listener
from models.evaluation.probes import LENGTH, PAUSES, QUIET_SNR_DB, ROOM, UNHEARD, Probes
from models.labelled.cases import LabelledCase
from models.progress import Progress

# Answers of the form would tell the label even where there is nothing to hear.
_WITHOUT_FORM: Final = frozenset({ROOM, LENGTH, PAUSES})


def hear_all(
    listener: Listener, cases: Sequence[LabelledCase], *, step: str, progress: Progress
) -> list[Heard]:
    """Return what the model says of each case, in order. Raises InvalidRequest, FileMissing."""
    found = []
    for case in cases:
        found.append(listener.hear(case, case.waveforms()))
        progress(step, len(found), len(cases))
    return found


def probe_all(
    listener: Listener,
    cases: Sequence[LabelledCase],
    probes: Probes,
    *,
    platt: Platt | None,
    progress: Progress,
) -> list[Probed]:
    """Return what the model says of each case and of its probes, in order.

    A case the box would not have scored has no probes either.

    Args:
        listener: the model.
        cases: to hear.
        probes: what is made of them.
        platt: of the operating point; None leaves probabilities as they are.
        progress: told of every case.

    Raises:
        InvalidRequest, FileMissing: a recording cannot be read.
        PredictionFailed.
    """
    found: list[Probed] = []
    for number, case in enumerate(cases):
        found.append(_probed(listener, number, case, probes, platt))
        progress("listening", len(found), len(cases))
    return found


def _probed(
    listener: Listener, number: int, case: LabelledCase, probes: Probes, platt: Platt | None
) -> Probed:
    waveforms = case.waveforms()
    heard = listener.hear(case, waveforms)
    if heard.probability is None:
        return Probed(heard=heard)
    quiet = heard.snr_db is not None and heard.snr_db >= QUIET_SNR_DB
    said = {
        name: listener.probability(made, {} if name in _WITHOUT_FORM else case.form)
        for name, made in probes.of(number, case, waveforms, quiet=quiet)
        if name != UNHEARD or listener.manifest.metadata
    }
    return Probed(
        heard=replace(heard, probability=calibrated(heard.probability, platt)),
        uncalibrated=heard.probability,
        probes={name: calibrated(probability, platt) for name, probability in said.items()},
        seconds={
            role: samples.size / rate_hz
            for role, (samples, rate_hz) in waveforms.items()
            if role in listener.roles
        },
    )


def calibrated(probability: float, platt: Platt | None) -> float:
    """Return a probability through the operating point's line."""
    return probability if platt is None else float(platt(np.array([probability]))[0])

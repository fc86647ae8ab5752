"""The proof that the graph says what PyTorch and torchaudio say, or nothing is packed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from appliance.core.errors import ParityBroken
from models.graph_run import GraphRun
from models.progress import Progress
from models.spiraconv.parameters import Parameters
from models.spiraconv.reference import Features, Waveforms, window_probabilities
from models.spiraconv.windows import RATE_HZ, SHORTEST, WINDOW

SPEECH_TOLERANCE: Final = 5e-6
"""Largest difference of a window's probability allowed on speech."""

ODD_TOLERANCE: Final = 1e-4
"""The same on signals no patient makes, where whole frames lie at the clamps of the decibels."""

_Signal = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParityCase:
    """Recordings to compare on, and how far the two may be apart."""

    name: str
    waveforms: Waveforms
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One case: the largest difference of a window's probability."""

    name: str
    difference: float
    tolerance: float
    n_windows: int

    @property
    def agrees(self) -> bool:
        """Whether the difference is allowed; NaN is not."""
        return self.difference <= self.tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """All cases, each within its tolerance."""

    cases: tuple[Compared, ...]

    def worst(self, tolerance: float) -> float:
        """Return the largest difference among the cases of that tolerance, 0 without any."""
        return max((c.difference for c in self.cases if c.tolerance == tolerance), default=0.0)


def prove_parity(
    graph: bytes,
    parameters: Parameters,
    *,
    roles: Sequence[str],
    speech: Mapping[str, Waveforms],
    progress: Progress,
) -> Parity:
    """Return how close the graph comes to PyTorch with torchaudio, window by window.

    Args:
        graph: bytes of the ONNX file.
        parameters: what it was exported from.
        roles: its inputs, in order.
        speech: recordings by name of the case, 16 kHz.
        progress: told of every case.

    Raises:
        ParityBroken: the details name the cases that differ by more than allowed.
    """
    run, network, features = GraphRun(graph, roles), parameters.build(), Features()
    cases = [
        ParityCase(name=name, waveforms=waveforms, tolerance=SPEECH_TOLERANCE)
        for name, waveforms in speech.items()
    ]
    cases += odd_cases(roles, next(iter(speech.values())))
    compared = []
    with _one_thread():
        for case in cases:
            expected = window_probabilities(network, features, case.waveforms, roles=tuple(roles))
            compared.append(_compared(case, run(case.waveforms).windows, expected))
            progress("parity", len(compared), len(cases))
    broken = tuple(f"{c.name}: {c.difference:.1e}" for c in compared if not c.agrees)
    if broken:
        raise ParityBroken(cases=broken)
    return Parity(cases=tuple(compared))


def odd_cases(roles: Sequence[str], speech: Waveforms) -> Iterator[ParityCase]:
    """Yield what no patient says: signals and lengths at which a port goes wrong.

    Args:
        roles: of the graph; the first one carries the odd signal, the others a window of speech.
        speech: a recording for every role but the optional ones.
    """
    first, *others = roles
    rest = {role: speech[role][:SHORTEST] for role in others if role in speech}
    for name, signal in _odd_signals().items():
        yield ParityCase(name=name, waveforms={first: signal}, tolerance=ODD_TOLERANCE)
    voice = np.tile(speech[first], 3)
    for n_samples in (1, 7, 11_200, 63_999, WINDOW, WINDOW + 1, 79_999, 80_000, 80_001, 80_007):
        waveforms = {first: voice[:n_samples], **rest}
        yield ParityCase(name=f"{n_samples} samples", waveforms=waveforms, tolerance=ODD_TOLERANCE)
    for role in roles:
        yield ParityCase(
            name=f"{role} alone",
            waveforms={role: voice[:100_001]},
            tolerance=SPEECH_TOLERANCE,
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread: windows are small, and waiting for each other costs more."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def _odd_signals() -> dict[str, _Signal]:
    n = 6 * RATE_HZ + 1_234
    t = np.arange(n) / RATE_HZ
    noise = np.random.default_rng(0).standard_normal(n)
    click = np.zeros(n)
    click[n // 2] = 1.0
    signals = {
        "silence": np.zeros(n),
        "constant": np.full(n, 0.25),
        "clipped square": np.sign(np.sin(2 * np.pi * 110 * t)),
        "white noise": np.clip(0.2 * noise, -1, 1),
        "faint noise": 1e-6 * noise,
        "one click": click,
        "loud after silence": 0.9 * np.sin(2 * np.pi * 440 * t) * (np.arange(n) > n // 2),
    }
    return {name: signal.astype(np.float32) for name, signal in signals.items()}


def _compared(case: ParityCase, found: _Signal, expected: _Signal) -> Compared:
    if found.shape != expected.shape:
        message = f"{case.name}: {found.size} windows instead of {expected.size}"
        raise ParityBroken(message, cases=(message,))
    difference = float(np.abs(found.astype(np.float64) - expected).max())
    return Compared(
        name=case.name,
        difference=difference,
        tolerance=case.tolerance,
        n_windows=int(found.size),
    )

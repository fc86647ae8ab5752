"""Voices whose F0, jitter, shimmer and noise are known, and the same measures by other means.

Nothing here is shared with `models.acoustics`: float64, loops, one chain of marks through the
whole recording, correlations of samples by numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
_FORMANTS = ((700.0, 130.0), (1_200.0, 150.0), (2_600.0, 200.0))

Signal = NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """What was put into a voice, or found in one."""

    f0_hz: float
    jitter_pct: float
    shimmer_pct: float
    hnr_db: float


def voice(
    f0_hz: float,
    *,
    seconds: float = 3.0,
    jitter: float = 0.0,
    shimmer: float = 0.0,
    hnr_db: float | None = None,
    seed: int = 0,
) -> tuple[NDArray[np.float32], Measures]:
    """Return a sum of damped formants, one set a pulse, and what its pulses are by their times."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    times = [0.002]
    while times[-1] < seconds:
        times.append(times[-1] + (1 + jitter * rng.uniform(-1, 1)) / f0_hz)
    amplitudes = 1 + shimmer * rng.uniform(-1, 1, len(times))
    x = np.zeros(n + RATE)
    for at_s, amplitude in zip(times, amplitudes, strict=True):
        first = int(np.ceil(at_s * RATE))
        t = np.arange(first, first + RATE // 10) / RATE - at_s
        for hz, width in _FORMANTS:
            x[first : first + t.size] += (
                amplitude * np.exp(-np.pi * width * t) * np.sin(2 * np.pi * hz * t)
            )
    x = 0.5 * x[:n] / np.abs(x[:n]).max()
    if hnr_db is not None:
        x += rng.standard_normal(n) * np.sqrt(np.mean(x**2) / 10 ** (hnr_db / 10))
    periods = np.diff(times)
    return x.astype(np.float32), Measures(
        f0_hz=1 / float(np.mean(periods)),
        jitter_pct=relative_difference(periods),
        shimmer_pct=relative_difference(amplitudes),
        hnr_db=np.inf if hnr_db is None else hnr_db,
    )


def relative_difference(values: Signal) -> float:
    """Return the mean absolute difference of neighbours over the mean, in percent."""
    return float(100 * np.abs(np.diff(values)).mean() / np.mean(values))


def measured(x: NDArray[np.float32]) -> Measures:
    """Return F0 (median), jitter, shimmer and HNR (mean) of a steady vowel."""
    signal = x.astype(np.float64) - x.mean()
    found = [_correlation_peak(signal[i : i + 960]) for i in range(0, signal.size - 960, 480)]
    loud = np.abs(signal).max() * 0.1
    kept = [
        peak
        for i, peak in zip(range(0, signal.size - 960, 480), found, strict=True)
        if peak[1] > 0.5 and np.abs(signal[i : i + 960]).max() > loud
    ]
    period = float(np.median([lag for lag, _ in kept]))
    r = np.array([height for _, height in kept])
    periods, amplitudes = _chain(signal, period)
    return Measures(
        f0_hz=RATE / period,
        jitter_pct=relative_difference(periods),
        shimmer_pct=relative_difference(amplitudes),
        hnr_db=float(np.mean(10 * np.log10(r / (1 - r)))),
    )


def _correlation_peak(stretch: Signal) -> tuple[float, float]:
    """Return lag and height, from the correlation of the samples, made 16 times finer."""
    window = np.hanning(stretch.size)
    windowed = (stretch - stretch.mean()) * window
    r, own = (
        _finer(np.correlate(s, s, "full"), 16)[16 * (s.size - 1) :] for s in (windowed, window)
    )
    r = (r / r[0]) / (own / own[0])
    lags = np.arange(16 * RATE // 500, 16 * RATE // 75)
    inner = r[lags]
    peaks = [i for i in range(1, lags.size - 1) if inner[i - 1] < inner[i] >= inner[i + 1]]
    best = max(peaks, key=lambda i: inner[i] - 0.01 * np.log2(lags[i]), default=1)
    return lags[best] / 16, float(min(inner[best], 1 - 1e-6))


def _finer(x: Signal, times: int) -> Signal:
    padded = np.concatenate((x, np.zeros(x.size)))
    spectrum = np.fft.rfft(padded)
    return np.fft.irfft(spectrum, padded.size * times)[: x.size * times] * times


def _chain(signal: Signal, period: float) -> tuple[Signal, Signal]:
    """Return periods and amplitudes along one chain of marks, on a signal made 8 times finer."""
    x = _finer(signal, 8)
    t = period * 8
    mark = int(t + np.argmax(np.abs(x[int(t) : int(2 * t)])))
    half = int(t / 2)
    periods, amplitudes = [], []
    while mark + 2 * t + half < x.size:
        pattern = x[mark - half : mark + half]
        candidates = range(int(mark + 0.8 * t), int(mark + 1.2 * t))
        likeness = [
            pattern @ (later := x[c - half : c + half]) / np.sqrt(later @ later + 1e-12)
            for c in candidates
        ]
        following = candidates[int(np.argmax(likeness))]
        width = int(0.5 * t)
        weights = np.hanning(2 * width)
        squares = x[mark - width : mark + width] ** 2
        amplitudes.append(np.sqrt(weights @ squares / weights.sum()))
        periods.append(following - mark)
        mark = following
    return np.array(periods, dtype=np.float64), np.array(amplitudes)


def silences(x: NDArray[np.float32]) -> list[float]:
    """Return the lengths in s of inner runs of 0.1 s or more, 25 dB below the loudest 50 ms."""
    frames = [float(np.mean(x[i : i + 320].astype(np.float64) ** 2)) for i in range(0, x.size, 160)]
    loudest = max(np.mean(frames[i : i + 5]) for i in range(len(frames)))
    runs = [
        (sound, len(list(run))) for sound, run in groupby(f > loudest / 10**2.5 for f in frames)
    ]
    joined: list[tuple[bool, int]] = []
    for sound, length in runs:
        heard = bool(sound) and length >= 5
        if joined and joined[-1][0] == heard:
            joined[-1] = (heard, joined[-1][1] + length)
        else:
            joined.append((heard, length))
    inner = joined[1 if not joined[0][0] else 0 : len(joined) - (not joined[-1][0])]
    return [length / 100 for heard, length in inner if not heard and length >= 10]

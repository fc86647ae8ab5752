"""How good a recording is: eight measures of its sound, judged by limits of the protocol.

The definitions are PROTOCOL.md's ("Quality of a recording"); the tablet computes the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

CLIPPED_AT: Final = 0.99
CLIPPED_RUN: Final = 3
DEAD_BELOW_DB: Final = -75.0
ACTIVE_UNDER_P95_DB: Final = 25.0
ACTIVE_FLOOR_DB: Final = -50.0
MIN_NOISE_FRAMES: Final = 10
FRAMES_A_SECOND: Final = 100
FRAME_S: Final = 0.025

_POWER_FLOOR: Final = 1e-12
_FRAME_MS: Final = 25
_OF_SOUND: Final = frozenset({"level_db", "active_s"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What was measured of one recording's first channel, at its own rate.

    Attributes:
        peak: largest |x|, 0 to 1.
        clipped_frac: share of samples in runs of at least 3 with |x| >= 0.99.
        dead_frac: share of frames under -75 dB, which no microphone is; 0 without frames.
        active_s: seconds of frames above max(p95 - 25 dB, -50 dB).
        level_db: mean power of the active frames; None without any.
        noise_db: median of frames neither active nor dead; None under 10 of them.
        snr_db: level_db - noise_db.
        steady_frac: active share from the first to the last active frame.
    """

    sample_rate_hz: int
    duration_s: float
    peak: float
    clipped_frac: float
    dead_frac: float
    active_s: float
    level_db: float | None
    noise_db: float | None
    snr_db: float | None
    steady_frac: float | None


class Verdict(StrEnum):
    """Whether a recording can be used."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleVerdict:
    """The verdict on one recording; reasons are codes, those that fail first."""

    verdict: Verdict
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The bounds of one measure; None bounds nothing. `fail_from` includes its value."""

    measure: str
    warn_below: float | None = None
    warn_above: float | None = None
    fail_below: float | None = None
    fail_above: float | None = None
    fail_from: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleLimits:
    """The limits of one role.

    Attributes:
        limits: in the order in which reasons are given.
        decides: False for recordings that no result may depend on; they warn at most.
    """

    limits: tuple[Limit, ...] = ()
    decides: bool = True


ROOM_NOISE_ROLE: Final = "ruido"
"""The recording in which nobody speaks: its noise is the noise of all others."""

BELOW: Final[dict[str, str]] = {
    "level_db": "quiet",
    "snr_db": "noisy",
    "active_s": "short",
    "steady_frac": "broken",
}
"""Measures that may have a lower bound, and the reason given under it."""

ABOVE: Final[dict[str, str]] = {
    "clipped_frac": "clipped",
    "dead_frac": "gated",
    "snr_db": "processed",
}
"""Measures that may have an upper bound, and the reason given over it."""


def measure(waveform: NDArray[np.float32], sample_rate_hz: int) -> Measures:
    """Return the measures of a waveform; frame k begins at sample floor(k * rate / 100).

    Args:
        waveform: float32[n_samples], full scale ±1.0; may be empty.
        sample_rate_hz: its rate.
    """
    power, peak = _frame_power(waveform, sample_rate_hz)
    frame_db = _db(power)
    active = _active(frame_db)
    dead = frame_db < DEAD_BELOW_DB
    n_active = int(np.count_nonzero(active))
    level_db = float(_db(power[active].mean())) if n_active else None
    rest_db = frame_db[~active & ~dead]
    noise_db = float(np.median(rest_db)) if rest_db.size >= MIN_NOISE_FRAMES else None
    return Measures(
        sample_rate_hz=sample_rate_hz,
        duration_s=waveform.size / sample_rate_hz,
        peak=peak,
        clipped_frac=_clipped_frac(waveform) if peak >= CLIPPED_AT else 0.0,
        dead_frac=float(dead.mean()) if dead.size else 0.0,
        active_s=n_active / FRAMES_A_SECOND,
        level_db=level_db,
        noise_db=noise_db,
        snr_db=None if level_db is None or noise_db is None else level_db - noise_db,
        steady_frac=_steady_frac(active) if n_active else None,
    )


def room_noise_db(ruido: Measures) -> float | None:
    """Return the noise of the room, from the recording in which nobody speaks.

    Where the room is so loud and even that hardly a frame is below the threshold of activity,
    there is no `noise_db`: what is active then is the noise.
    """
    return ruido.level_db if ruido.noise_db is None else ruido.noise_db


def judged_snr_db(measures: Measures, room_noise_db: float | None) -> float | None:
    """Return the level over the noise of the room, or over its own where that was not recorded."""
    if room_noise_db is None or measures.level_db is None:
        return measures.snr_db
    return measures.level_db - room_noise_db


def judge(
    measures: Measures, role_limits: RoleLimits, *, room_noise_db: float | None
) -> RoleVerdict:
    """Return the verdict of the role's limits.

    Where the role limits level or activity, a recording without one active frame has one
    reason, `silent` (`short` if it is under a frame): whatever else is out of bounds follows
    from that. Where it does not, as of a quiet room, silence is no fault.

    Args:
        measures: of the recording.
        role_limits: of its role, from the protocol.
        room_noise_db: of the `ruido` recording of the same inference; None without one, then
            the recording's own noise counts.
    """
    values = _judged_values(measures, room_noise_db)
    fails = [_failing(limit, values[limit.measure]) for limit in role_limits.limits]
    warns = [_warning(limit, values[limit.measure]) for limit in role_limits.limits]
    needs_sound = any(limit.measure in _OF_SOUND for limit in role_limits.limits)
    if needs_sound and measures.level_db is None:
        fails = ["short" if measures.duration_s < FRAME_S else "silent"]
        warns = []
    reasons = tuple(dict.fromkeys(reason for reason in (*fails, *warns) if reason))
    if any(fails) and role_limits.decides:
        return RoleVerdict(verdict=Verdict.FAIL, reasons=reasons)
    return RoleVerdict(verdict=Verdict.WARN if reasons else Verdict.OK, reasons=reasons)


def _frame_power(
    waveform: NDArray[np.float32], sample_rate_hz: int
) -> tuple[NDArray[np.float64], float]:
    """Return float64[n_frames], the mean square of each whole frame, and the largest |x|.

    Between two neighbouring edges of frames each sample is squared and added once. Squares of
    16-bit samples are multiples of 2^-30, so float64 adds them without rounding.
    """
    length = sample_rate_hz * _FRAME_MS // 1000
    starts = np.arange(FRAMES_A_SECOND, dtype=np.int64) * sample_rate_hz // FRAMES_A_SECOND
    seconds, ends = np.divmod(starts + length, sample_rate_hz)
    edges = np.unique(np.concatenate((starts, ends)))
    sums, peak = _sums_of_squares(waveform, edges, sample_rate_hz)
    if waveform.size < length:
        return np.zeros(0), peak
    n_frames = ((waveform.size - length + 1) * FRAMES_A_SECOND - 1) // sample_rate_hz + 1
    total = np.concatenate(([0.0], np.cumsum(sums)))
    earlier = np.arange(len(sums))[:, np.newaxis] * edges.size
    first = earlier + np.searchsorted(edges, starts)
    last = earlier + seconds * edges.size + np.searchsorted(edges, ends)
    power = (total[last.ravel()[:n_frames]] - total[first.ravel()[:n_frames]]) / length
    return power, peak


def _sums_of_squares(
    waveform: NDArray[np.float32], edges: NDArray[np.int64], sample_rate_hz: int
) -> tuple[NDArray[np.float64], float]:
    """Return float64[n_seconds, n_edges], each sum from an edge to the next, and the largest |x|.

    The edges of frames are the same in every second, and begin with 0. A second at a time stays
    in the cache, and a long recording needs no second copy in float64.
    """
    n_seconds = -(-waveform.size // sample_rate_hz)
    sums = np.empty((n_seconds, edges.size))
    squares = np.empty(sample_rate_hz)
    largest = np.float64(0.0)
    for second in range(n_seconds):
        samples = waveform[second * sample_rate_hz : (second + 1) * sample_rate_hz]
        np.square(samples, out=squares[: samples.size], dtype=np.float64)
        squares[samples.size :] = 0.0
        np.add.reduceat(squares, edges, out=sums[second])
        largest = np.maximum(largest, squares.max())
    return sums, float(np.sqrt(largest))


def _db(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    decibel: NDArray[np.float64] = 10.0 * np.log10(power + _POWER_FLOOR)
    return decibel


def _active(frame_db: NDArray[np.float64]) -> NDArray[np.bool_]:
    if not frame_db.size:
        return np.zeros(0, dtype=np.bool_)
    threshold_db = max(np.percentile(frame_db, 95) - ACTIVE_UNDER_P95_DB, ACTIVE_FLOOR_DB)
    active: NDArray[np.bool_] = frame_db > threshold_db
    return active


def _steady_frac(active: NDArray[np.bool_]) -> float:
    where = np.flatnonzero(active)
    return where.size / int(where[-1] - where[0] + 1)


def _clipped_frac(waveform: NDArray[np.float32]) -> float:
    where = np.flatnonzero(np.abs(waveform) >= CLIPPED_AT)
    run_ends = np.append(np.flatnonzero(np.diff(where) != 1), where.size - 1)
    run_lengths = np.diff(run_ends, prepend=-1)
    return int(run_lengths[run_lengths >= CLIPPED_RUN].sum()) / waveform.size


def _judged_values(measures: Measures, room_noise_db: float | None) -> dict[str, float | None]:
    return {
        "clipped_frac": measures.clipped_frac,
        "dead_frac": measures.dead_frac,
        "level_db": measures.level_db,
        "snr_db": judged_snr_db(measures, room_noise_db),
        "active_s": measures.active_s,
        "steady_frac": measures.steady_frac,
    }


def _failing(limit: Limit, value: float | None) -> str | None:
    return _out_of_bounds(
        limit.measure, value, below=limit.fail_below, above=limit.fail_above, start=limit.fail_from
    )


def _warning(limit: Limit, value: float | None) -> str | None:
    return _out_of_bounds(limit.measure, value, below=limit.warn_below, above=limit.warn_above)


def _out_of_bounds(
    name: str,
    value: float | None,
    *,
    below: float | None,
    above: float | None,
    start: float | None = None,
) -> str | None:
    if value is None:
        return None
    if below is not None and value < below:
        return BELOW[name]
    if (above is not None and value > above) or (start is not None and value >= start):
        return ABOVE[name]
    return None

"""Mutated WAVs through the reader, in a process of their own whose memory is measured.

Run as a program: seed, first and last number; prints one JSON document.
"""

from __future__ import annotations

import json
import math
import random
import resource
import signal
import struct
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import numpy as np

from appliance.core.errors import InvalidAudio, UnsupportedAudio
from appliance.core.quality import Measures, measure
from appliance.core.wav import MAX_DURATION_S, Wav, read_wav
from tests.torture.wav_seeds import Seeds

LONG_EVERY: Final = 5_000
HANGS_AFTER_S: Final = 20.0
MAX_CLAIMED_BYTES: Final = 512 * 1024**2
"""Memory that was asked for but never touched is in no peak: so it may not be asked for."""
REASONS: Final = frozenset(
    {
        *("channels", "contradictory-fmt", "data-before-fmt", "duplicate-chunk", "empty"),
        *("fmt-length", "no-data-chunk", "no-fmt-chunk", "not-pcm16", "not-riff-wave"),
        *("odd-length", "sample-rate", "too-large", "too-long", "too-many-chunks"),
        *("trailing-bytes", "truncated", "unfinished-length"),
    }
)
"""Every reason the reader may give."""


class Hang(Exception):
    """One file took too long."""


def storm(seed: int, first: int, last: int) -> dict[str, object]:
    """Send the files of these numbers through the reader; return what became of them."""
    seeds = Seeds()
    ends = Counter[str]()
    slowest_ms = 0.0
    signal.signal(signal.SIGALRM, _hang)
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_CLAIMED_BYTES, MAX_CLAIMED_BYTES))
    for number in range(first, last):
        chance = random.Random(f"{seed}/wav/{number}")  # noqa: S311 - no secret
        long = number % LONG_EVERY == 0
        content = seeds.long_mutant(chance) if long else seeds.mutant(chance)
        signal.setitimer(signal.ITIMER_REAL, HANGS_AFTER_S)
        began_s = time.perf_counter()
        try:
            ends[end_of(content)] += 1
        except BaseException:
            sys.stderr.write(f"seed {seed}, number {number}, {content[:80].hex()}\n")
            raise
        slowest_ms = max(slowest_ms, (time.perf_counter() - began_s) * 1e3)
    signal.setitimer(signal.ITIMER_REAL, 0)
    status = Path("/proc/self/status").read_text()
    peak_mib = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024
    return {"ends": dict(ends), "slowest_ms": slowest_ms, "peak_mib": peak_mib}


def end_of(content: bytes) -> str:
    """Return `read`, or why the file is refused; anything else is a fault."""
    try:
        wav = read_wav(content)
    except (InvalidAudio, UnsupportedAudio) as refusal:
        reason = str(refusal.details["reason"])
        assert reason in REASONS, reason
        return reason
    _check_samples(content, wav)
    _check_measures(wav, measure(wav.waveform(), wav.sample_rate_hz))
    return "read"


def _check_samples(content: bytes, wav: Wav) -> None:
    """Hold what was read against what the file says, found by a reader that believes it all."""
    chunks: dict[bytes, memoryview[int]] = {}
    at = 12
    while at + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        assert at + 8 + length <= len(content)
        if name in {b"fmt ", b"data"}:
            chunks[name] = memoryview(content)[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    _, channels, rate_hz, byte_rate, block, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
    assert (wav.n_channels, wav.sample_rate_hz, bits) == (channels, rate_hz, 16)
    assert (block, byte_rate) == (2 * channels, 2 * channels * rate_hz)
    assert wav.pcm.dtype == np.int16
    assert np.array_equal(wav.pcm.reshape(-1), np.frombuffer(chunks[b"data"], "<i2"))
    assert 0 < wav.duration_s <= MAX_DURATION_S


def _check_measures(wav: Wav, measures: Measures) -> None:
    """Refuse measures that cannot be: not finite, or beyond what they are shares of."""
    found = {name: value for name, value in asdict(measures).items() if value is not None}
    assert all(math.isfinite(value) for value in found.values()), found
    shares = ("peak", "clipped_frac", "dead_frac", "steady_frac")
    assert all(0.0 <= found.get(name, 0.0) <= 1.0 for name in shares), found
    assert found["duration_s"] == wav.duration_s
    assert 0.0 <= found["active_s"] <= wav.duration_s + 0.01, found
    assert found.get("level_db", 0.0) <= 0.0, found


def _hang(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Hang


if __name__ == "__main__":
    sys.stdout.write(json.dumps(storm(*map(int, sys.argv[1:4]))))

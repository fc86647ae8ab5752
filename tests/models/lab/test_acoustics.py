"""Acoustic features: against what was put into a voice, and against other means of measuring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.acoustics.features import FEATURES, feature_names, features
from models.golden import waveform as read_waveform
from tests.models.lab.measured_voices import RATE, Measures, measured, silences, voice


def found_in(x: NDArray[np.float32]) -> dict[str, float]:
    """The features of one recording by name."""
    values = features({"sustentada": x}, ("sustentada",))
    return dict(zip(FEATURES, values.tolist(), strict=True))


@pytest.mark.parametrize("f0_hz", [85, 120, 165, 210])
@pytest.mark.parametrize(("jitter", "shimmer"), [(0, 0), (0.01, 0.05), (0.02, 0.2)])
def test_what_was_put_into_a_voice_is_found(f0_hz: float, jitter: float, shimmer: float) -> None:
    """F0 to half a percent, jitter and shimmer to a fifth, or to little beside what is normal.

    Above 210 Hz the ringing of one pulse reaches into the next, and amplitudes are no more what
    was put in, by whatever means (see the tests against another implementation).
    """
    x, put_in = voice(f0_hz, jitter=jitter, shimmer=shimmer)
    found = found_in(x)
    assert found["f0_hz"] == pytest.approx(put_in.f0_hz, rel=0.005)
    assert found["jitter_pct"] == pytest.approx(put_in.jitter_pct, rel=0.2, abs=0.1)
    assert found["shimmer_pct"] == pytest.approx(put_in.shimmer_pct, rel=0.2, abs=0.6)
    assert found["phonation_s"] == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("hnr_db", [5, 10, 20])
@pytest.mark.parametrize("f0_hz", [90, 200])
def test_noise_that_was_mixed_in_is_found(f0_hz: float, hnr_db: float) -> None:
    """The harmonics-to-noise ratio, to half a decibel."""
    x, _ = voice(f0_hz, hnr_db=hnr_db)
    assert found_in(x)["hnr_db"] == pytest.approx(hnr_db, abs=0.5)


def test_another_implementation_finds_the_same_in_made_voices() -> None:
    """One chain of marks in float64 against stretches in float32."""
    for seed, f0_hz in enumerate((95, 140, 260)):
        x, _ = voice(f0_hz, jitter=0.015, shimmer=0.1, hnr_db=25, seed=seed)
        agree(found_in(x), measured(x), jitter=0.15, shimmer=0.15)


def agree(found: dict[str, float], other: Measures, *, jitter: float, shimmer: float) -> None:
    """Hold two measurements to each other."""
    assert found["f0_hz"] == pytest.approx(other.f0_hz, rel=0.01)
    assert found["hnr_db"] == pytest.approx(other.hnr_db, abs=1)
    assert found["jitter_pct"] == pytest.approx(other.jitter_pct, rel=jitter, abs=0.1)
    assert found["shimmer_pct"] == pytest.approx(other.shimmer_pct, rel=shimmer, abs=0.4)


def test_another_implementation_finds_the_same_in_people(real_audio: Path) -> None:
    """Sustained vowels on phones, without the ends; the one that was gated to silence is not."""
    n_heard = 0
    for path in sorted(real_audio.glob("sustentada_*.wav")):
        x = read_waveform(path.read_bytes())
        found = found_in(x)
        if found["phonation_s"] < 2:
            continue
        middle = x[x.size // 3 : 2 * x.size // 3]
        agree(found_in(middle), measured(middle), jitter=0.3, shimmer=0.5)
        n_heard += 1
    assert n_heard >= 2


def test_pauses_are_counted() -> None:
    """Three of known length; silence before and after is none, nor is a dip of 60 ms."""
    sound, _ = voice(120, seconds=1)
    parts = [0.5, sound, 0.3, sound, 0.06, sound, 0.5, sound, 0.2, sound, 0.7]
    x = np.concatenate(
        [np.zeros(int(p * RATE), np.float32) if isinstance(p, float) else p for p in parts]
    )
    found = found_in(x)
    assert found["n_pauses"] == 3
    assert found["pauses_s"] == pytest.approx(1.0, abs=0.09)
    assert found["mean_pause_s"] == pytest.approx(1.0 / 3, abs=0.03)
    assert found["utterance_s"] == pytest.approx(6.06, abs=0.05)


def test_a_click_ends_no_pause() -> None:
    """A door, or lips."""
    sound, _ = voice(120, seconds=1)
    gap = np.zeros(RATE, np.float32)
    gap[RATE // 2 : RATE // 2 + 80] = 0.5
    assert found_in(np.concatenate((sound, gap, sound)))["n_pauses"] == 1


def test_another_implementation_finds_the_same_pauses(real_audio: Path) -> None:
    """In rhymes and sentences of people."""
    for path in sorted(real_audio.glob("[pf]*.wav")):
        x = read_waveform(path.read_bytes())
        found, other = found_in(x), silences(x)
        # One of just 0.1 s may be a frame shorter by other means.
        n_clear = sum(pause_s > 0.115 for pause_s in other)
        assert n_clear <= found["n_pauses"] <= len(other), path.name
        assert found["pauses_s"] == pytest.approx(
            sum(sorted(other, reverse=True)[: int(found["n_pauses"])]), abs=0.05
        ), path.name


@pytest.mark.parametrize("n", [1, 7, 959, 16_000])
def test_silence_and_too_little_have_no_voice(n: int) -> None:
    """Numbers all the same: no NaN reaches a model."""
    found = found_in(np.zeros(n, np.float32))
    assert found["duration_s"] == pytest.approx(n / RATE)
    assert found["present"] == 1
    assert all(found[name] == 0 for name in FEATURES[2:])


def test_noise_has_no_voice() -> None:
    """White noise is not voiced."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    assert found_in(noise)["phonation_s"] < 0.05


def test_a_recording_that_is_absent_has_zeros() -> None:
    """And its neighbours are what they are alone; answers follow the recordings."""
    x, _ = voice(120)
    roles = ("sustentada", "parlenda")
    found = features({"parlenda": x}, roles, np.array([71, 1], np.float32))
    names = feature_names(roles, ("age", "gender"))
    assert found.shape == (len(names),) == (26,)
    assert (found[:12] == 0).all()
    assert found[12:24].tolist() == list(found_in(x).values())
    assert found[24:].tolist() == [71, 1]
    assert names[12] == "parlenda_present"

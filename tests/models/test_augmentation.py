"""Voices made to sound like other rooms: at the stated noise, gain and band, by chance alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.spiraconv.windows import RATE_HZ, WINDOW
from models.training.augmentation import (
    NO_AUGMENTATION,
    Augmentation,
    augment,
    band_limited,
    faults,
    noisy,
)

SECONDS = np.arange(WINDOW) / RATE_HZ
VOICE = (0.1 * np.sin(2 * np.pi * 220 * SECONDS)).astype(np.float32)
ALWAYS = Augmentation(share=1.0)


def power(samples: NDArray[np.float32]) -> float:
    """Mean square."""
    return float(np.mean(np.square(samples, dtype=np.float64)))


def rng(seed: int = 1) -> np.random.Generator:
    """Chance."""
    return np.random.default_rng(seed)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 5.0, 10.0, 25.0])
@pytest.mark.parametrize("steepness", [0.0, 1.0, 2.0])
def test_noise_is_added_at_the_stated_ratio(snr_db: float, steepness: float) -> None:
    """Of mean powers, whatever the colour of the noise."""
    added = noisy(VOICE, snr_db, steepness, rng()) - VOICE
    assert 10 * np.log10(power(VOICE) / power(added)) == pytest.approx(snr_db, abs=0.01)


@pytest.mark.parametrize("steepness", [0.0, 1.0, 2.0])
def test_noise_has_its_colour(steepness: float) -> None:
    """From 250 to 4,000 Hz the power of 1/f^a falls by 3 dB an octave for each 1 of a."""
    spectrum = np.abs(np.fft.rfft(noisy(VOICE, 0.0, steepness, rng()) - VOICE)) ** 2
    hz = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    low, high = (float(spectrum[(hz > f * 0.8) & (hz < f * 1.25)].mean()) for f in (250, 4_000))
    assert 10 * np.log10(low / high) == pytest.approx(steepness * 12.04, abs=1.0)


def test_silence_stays_silence() -> None:
    """It has no power that noise could stand in a ratio to."""
    silence = np.zeros(WINDOW, np.float32)
    assert not noisy(silence, 10.0, 1.0, rng()).any()
    assert not augment(silence, ALWAYS, rng()).any()
    assert augment(silence[:0], ALWAYS, rng()).size == 0


@pytest.mark.parametrize(
    ("hz", "lowest_db", "highest_db"),
    [
        (50, -27.0, -22.0),
        (100, -3.5, -2.5),
        (600, -0.1, 0.1),
        (3_600, -3.5, -2.5),
        (7_200, -27, -22),
    ],
)
def test_a_band_is_limited_at_its_corners(hz: int, lowest_db: float, highest_db: float) -> None:
    """3 dB at a corner, 24 an octave beyond it, nothing between."""
    tone = np.sin(2 * np.pi * hz * SECONDS).astype(np.float32)
    limited = band_limited(tone, low_hz=100.0, high_hz=3_600.0)
    assert lowest_db <= 10 * np.log10(power(limited) / power(tone)) <= highest_db


def test_gain_never_clips() -> None:
    """A window near full scale is not raised above it, nor by noise: clipping is another fault."""
    loud = np.asarray(9.9 * VOICE, np.float32)
    louder = Augmentation(share=1.0, gain_db=(12.0, 12.0))
    assert all(np.abs(augment(loud, louder, rng(seed))).max() <= 1.000001 for seed in range(20))


def test_gain_stays_within_its_limits() -> None:
    """A quiet window, without noise: each ratio of powers is that of a gain."""
    pure = dataclasses.replace(
        ALWAYS, snrs_db=(200.0,), low_cut_hz=(1, 1), high_cut_hz=(7_999,) * 2
    )
    gains = [10 * np.log10(power(augment(VOICE, pure, rng(s))) / power(VOICE)) for s in range(40)]
    assert -12.1 <= min(gains) < -8
    assert 8 < max(gains) <= 12.1


@given(st.integers(0, 2**32), st.integers(1, WINDOW))
def test_the_same_chance_gives_the_same_sound(seed: int, n_samples: int) -> None:
    """And what comes out is as long, finite and within full scale."""
    voice = VOICE[:n_samples]
    first, again = augment(voice, ALWAYS, rng(seed)), augment(voice, ALWAYS, rng(seed))
    assert first.tobytes() == again.tobytes()
    assert first.shape == voice.shape
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert np.abs(first).max() <= 1.000001


def test_how_much_chance_is_used_does_not_depend_on_the_sound() -> None:
    """So what is drawn for one voice tells nothing of the voices before it, nor of their labels."""
    states = []
    for voice in (VOICE, np.asarray(0.001 * VOICE, np.float32), np.zeros(WINDOW, np.float32)):
        chance = rng()
        augment(voice, Augmentation(), chance)
        states.append(chance.bit_generator.state)
    assert states[0] == states[1] == states[2]


def test_a_share_of_none_changes_nothing() -> None:
    """Bit for bit."""
    assert augment(VOICE, Augmentation(share=0.0), rng()).tobytes() == VOICE.tobytes()


def test_about_the_stated_share_is_changed() -> None:
    """Half by noise, half by gain, half by bands: one in eight stays as it was."""
    chance = rng()
    unchanged = [np.array_equal(augment(VOICE, Augmentation(), chance), VOICE) for _ in range(400)]
    assert 0.08 < np.mean(unchanged) < 0.18


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"share": 1.1}, "share"),
        ({"share": float("nan")}, "share"),
        ({"snrs_db": ()}, "snrs_db"),
        ({"snrs_db": (float("inf"),)}, "snrs_db"),
        ({"gain_db": (3.0, -3.0)}, "gain_db"),
        ({"low_cut_hz": (0.0, 100.0)}, "low_cut_hz"),
        ({"high_cut_hz": (3_400.0, 8_000.0)}, "high_cut_hz"),
        ({"low_cut_hz": (40.0, 4_000.0)}, "high_cut_hz"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(asked: dict[str, object], field: str) -> None:
    """Shares above one, a lowest above the highest, bands without anything between."""
    changed = dataclasses.replace(Augmentation(), **asked)  # type: ignore[arg-type]
    assert [name for name, _ in faults(changed)] == [field]


def test_the_defaults_make_sense() -> None:
    """Both of them."""
    assert not [*faults(Augmentation()), *faults(NO_AUGMENTATION)]

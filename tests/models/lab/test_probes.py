"""What the probes are made of: noise at its ratio, pauses without a word, lengths that are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.core.quality import measure
from models.evaluation.probes import (
    LENGTH,
    PAUSES,
    PAUSES_S,
    RATE_HZ,
    ROOM,
    UNHEARD,
    Probes,
    mix,
    mixed,
    without_speech,
)
from models.labelled.reading import read_labelled
from models.training.examples import waveform
from models.voices.cohort import Split, person
from tests.models.lab.made_models import ROLE, put_people, voice


def speech(noise: float = 1e-3, *, seconds: float = 4.0) -> np.ndarray:
    """Return words in a room."""
    pcm = voice(np.random.default_rng(1), amplitude=0.2, noise=noise, seconds=seconds)
    return waveform(pcm)


@pytest.mark.parametrize("snr_db", [20, 10, 5])
def test_noise_is_mixed_at_the_stated_ratio(snr_db: int) -> None:
    """Of the level of the words to the power of the noise; a short one is repeated."""
    words = speech()
    noise = np.random.default_rng(2).normal(0, 0.3, RATE_HZ).astype(np.float32)

    added = mix(words, noise, snr_db).astype(np.float64) - words

    level_db = measure(words, RATE_HZ).level_db
    assert level_db is not None
    assert level_db - 10 * np.log10(np.mean(added**2)) == pytest.approx(snr_db, abs=0.1)
    assert np.array_equal(mix(words, np.zeros(10, np.float32), snr_db), words)


def test_no_word_is_left_in_the_pauses() -> None:
    """4 s of nothing but the room, at its level, however many pauses there were."""
    for seconds in (3.0, 9.0):
        found = without_speech(speech(noise=2e-3, seconds=seconds))
        assert found is not None
        assert found.size == PAUSES_S * RATE_HZ
        assert np.sqrt(np.mean(found.astype(np.float64) ** 2)) == pytest.approx(2e-3, rel=0.1)
        assert np.abs(found).max() < 0.02


def test_breath_is_no_pause() -> None:
    """Of synthetic patients, who breathe aloud between phrases, the quietest is left."""
    someone = person(Split.TEST, 0, seed=20_261)
    own = waveform(someone.recordings["parlenda"])
    found = without_speech(own)
    noise_db = measure(own, RATE_HZ).noise_db

    assert found is not None
    assert noise_db is not None
    assert 10 * np.log10(np.mean(found.astype(np.float64) ** 2)) < noise_db + 3


def test_where_nobody_pauses_nothing_is_probed() -> None:
    """A held vowel cut at both ends, a moment of sound, silence as a gate makes it."""
    t = np.arange(3 * RATE_HZ) / RATE_HZ
    assert without_speech((0.2 * np.sin(2 * np.pi * 150 * t)).astype(np.float32)) is None
    assert without_speech(speech()[:800]) is None
    assert without_speech(np.zeros(0, np.float32)) is None


def test_probes_keep_lengths_and_borrow_rooms_of_others(tmp_path: Path) -> None:
    """Each is made again by the same seed; noise is mixed only into what is quiet."""
    cases = read_labelled(put_people(tmp_path, 3)).cases
    heard = cases[0].waveforms()
    probes = Probes(cases, [ROLE], seed=4)

    made = dict(probes.of(0, cases[0], heard, quiet=True))
    again = dict(probes.of(0, cases[0], heard, quiet=True))
    loud = dict(probes.of(0, cases[0], heard, quiet=False))

    assert set(made) == {ROOM, LENGTH, UNHEARD, PAUSES, mixed(20), mixed(10), mixed(5)}
    assert set(loud) == {ROOM, LENGTH, UNHEARD, PAUSES}
    other = dict(probes.of(1, cases[1], cases[1].waveforms(), quiet=False))
    assert np.array_equal(other[UNHEARD][ROLE][0], made[UNHEARD][ROLE][0])
    assert all(np.array_equal(made[name][ROLE][0], again[name][ROLE][0]) for name in made)
    assert made[LENGTH][ROLE][0].size == heard[ROLE][0].size
    assert np.array_equal(made[ROOM][ROLE][0], heard["ruido"][0])
    level = np.sqrt(np.mean(made[LENGTH][ROLE][0].astype(np.float64) ** 2))
    assert 20 * np.log10(level) == pytest.approx(-50, abs=0.5)


def test_without_anybodys_room_noise_is_made(tmp_path: Path) -> None:
    """And said to be."""
    put_people(tmp_path, 2)
    for path in tmp_path.rglob("ruido.wav"):
        path.unlink()
    cases = read_labelled(tmp_path).cases
    probes = Probes(cases, [ROLE], seed=4)

    made = dict(probes.of(0, cases[0], cases[0].waveforms(), quiet=True))

    assert ROOM not in made
    assert mixed(10) in made
    assert "made" in probes.ward_noise

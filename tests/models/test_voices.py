"""Synthetic voices: seeded, disjoint, fit to be scored, and not told apart by their room."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.core.quality import measure
from appliance.core.wav import FULL_SCALE, read_wav, write_wav
from models.voices.cohort import (
    REQUIRED_ROLES,
    ROLES,
    Person,
    Split,
    digest_of,
    people,
    person,
)
from models.voices.speaker import Group, draw_speaker

N_PEOPLE = 6
SEED = 7


@pytest.fixture(scope="module")
def everyone() -> tuple[Person, ...]:
    """A few people, synthesised once."""
    return tuple(people(Split.TRAIN, N_PEOPLE, seed=SEED))


def test_the_same_seed_gives_the_same_samples(everyone: tuple[Person, ...]) -> None:
    """A data set is known by its seed."""
    again = [person(Split.TRAIN, index, seed=SEED) for index in range(2)]
    assert digest_of(again) == digest_of(everyone[:2])


def test_splits_and_seeds_share_nobody() -> None:
    """The same index is somebody else in another split, or under another seed."""
    digests = [digest_of([person(split, 0, seed=SEED)]) for split in Split]
    digests.append(digest_of([person(Split.TRAIN, 0, seed=SEED + 1)]))
    vowels = {person(split, 0, seed=SEED).recordings["sustentada"].tobytes() for split in Split}
    assert len(set(digests)) == len(digests)
    assert len(vowels) == len(Split)


def test_half_are_patients_and_some_lack_the_optional_role(everyone: tuple[Person, ...]) -> None:
    """Both groups are equally large; required roles are always there."""
    patients = [p for p in everyone if p.group is Group.PATIENT]
    assert len(patients) * 2 == N_PEOPLE
    assert all(set(REQUIRED_ROLES) <= p.recordings.keys() <= set(ROLES) for p in everyone)
    assert {"frase" in p.recordings for p in everyone} == {True, False}


def test_every_recording_passes_the_quality_check(everyone: tuple[Person, ...]) -> None:
    """What is golden must not be refused by the box that repeats it (PROTOCOL.md, no warning)."""
    for someone in everyone:
        for role, pcm in someone.recordings.items():
            found = measure(pcm.astype(np.float32) / np.float32(FULL_SCALE), 16_000)
            assert found.clipped_frac == 0.0
            assert found.dead_frac == 0.0
            assert found.level_db is not None
            assert found.level_db > -35.0
            assert found.snr_db is None or 10.0 < found.snr_db < 60.0
            assert found.active_s > (2.0 if role == "sustentada" else 1.5)
            assert role != "sustentada" or (found.steady_frac or 0.0) > 0.6


def test_a_recording_survives_the_boxs_own_reader(everyone: tuple[Person, ...]) -> None:
    """Samples are 16-bit, mono, and come back from a WAV file unchanged."""
    pcm = everyone[0].recordings["parlenda"]
    wav = read_wav(write_wav(pcm, 16_000))
    assert (wav.pcm[:, 0] == pcm).all()
    assert wav.sample_rate_hz == 16_000


def test_rooms_and_loudness_do_not_tell_the_groups_apart() -> None:
    """Noise, beeps and level are one draw for both: the network must not learn the ward."""

    def means(group: Group) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        rng = np.random.default_rng(3)
        drawn = [draw_speaker(group, rng) for _ in range(2_000)]
        return np.array(
            [
                np.mean([s.level_dbfs for s in drawn]) / 3.0,
                np.mean([s.room.noise_dbfs for s in drawn]) / 3.5,
                np.mean([s.room.noise_tilt for s in drawn]) / 0.29,
                np.mean([s.room.beep_dbfs is None for s in drawn]) / 0.49,
                np.mean([s.f0_hz for s in drawn]) / 45.0,
            ]
        )

    # Each is in units of its spread: the means of 2,000 differ by 0.03 by chance.
    assert np.abs(means(Group.PATIENT) - means(Group.CONTROL)).max() < 0.15


def test_no_single_trait_tells_the_groups_apart() -> None:
    """Each trait overlaps: the best threshold on it errs in one person of fifty at least."""
    rng = np.random.default_rng(4)
    groups = {g: [draw_speaker(g, rng) for _ in range(1_000)] for g in Group}
    for trait in ("pause_s", "phrase_s", "jitter", "aspiration_db", "breath_db", "phonation_s"):
        patients, controls = (
            np.sort([getattr(s, trait) for s in groups[g]]) for g in (Group.PATIENT, Group.CONTROL)
        )
        cuts = np.concatenate((patients, controls))
        below_p = np.searchsorted(patients, cuts) / patients.size
        below_c = np.searchsorted(controls, cuts) / controls.size
        best = np.abs(below_p - below_c).max() / 2 + 0.5
        assert 0.7 < best < 0.98

"""What a model must not live on: recordings without a word of the patient, and with more noise.

Each probe takes the recordings of a case and makes others of them; what the model says of those
is judged in `models.evaluation.leaks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from appliance.core.quality import ROOM_NOISE_ROLE, measure
from appliance.core.resampling import resample
from models.labelled.cases import LabelledCase, Waveform, read_waveform
from models.voices.sound import room_sound
from models.voices.speaker import Room

ROOM: Final = "room"
"""The sound of the room (`ruido`) in place of every recording."""
LENGTH: Final = "length"
"""Made noise, the same for all, as long as each recording: length is all that is left."""
PAUSES: Final = "pauses"
"""The parts without speech or breath, all of one length."""
UNHEARD: Final = "unheard"
"""Made noise, the very same for all, in place of every recording: the form is all that is left."""
SNRS_DB: Final = (20, 10, 5)
"""At which the noise of a ward is mixed into quiet recordings."""
QUIET_SNR_DB: Final = 25.0
"""A recording is quiet from here on."""

RATE_HZ: Final = 16_000
PAUSES_S: Final = 4.0

_FRAME: Final = RATE_HZ // 100
_LEAST_RUN: Final = 10
_LEAST_S: Final = 0.3
_FADE: Final = RATE_HZ // 200
_OVER_FLOOR_DB: Final = 6.0
_UNDER_P95_DB: Final = 25.0
_POWER_FLOOR: Final = 1e-12
_EVEN_NOISE: Final = Room(noise_dbfs=-50.0, noise_tilt=1.0, beep_dbfs=None, beep_hz=900.0)
_WARD: Final = Room(noise_dbfs=-50.0, noise_tilt=1.0, beep_dbfs=-44.0, beep_hz=900.0)

Samples = NDArray[np.float32]


def mixed(snr_db: int) -> str:
    """Return the name of the probe with noise at that ratio."""
    return f"mixed-{snr_db}"


class Probes:
    """Makes the probes of each case; the same seed makes the same ones."""

    def __init__(self, cases: Sequence[LabelledCase], roles: Sequence[str], *, seed: int) -> None:
        """Know whose rooms can be borrowed.

        Args:
            cases: all that are heard.
            roles: which the model hears.
            seed: of made noise, and of who lends the room.
        """
        self._roles = tuple(roles)
        self._seed = seed
        self._rooms = [case for case in cases if ROOM_NOISE_ROLE in case.recordings]
        same = made_noise(_EVEN_NOISE, int(PAUSES_S * RATE_HZ), np.random.default_rng(seed))
        self._same = dict.fromkeys(self._roles, (same, RATE_HZ))

    @property
    def ward_noise(self) -> str:
        """What is mixed in, in words."""
        return "rooms of other patients of these data" if self._rooms else "made: pink, with beeps"

    def of(
        self, number: int, case: LabelledCase, waveforms: Mapping[str, Waveform], *, quiet: bool
    ) -> Iterator[tuple[str, dict[str, Waveform]]]:
        """Yield the probes that can be made of a case, by name.

        Args:
            number: of the case among all: part of the seed.
            case: whose they are.
            waveforms: role -> samples and rate.
            quiet: whether its recordings are quiet enough to mix noise in.
        """
        rng = np.random.default_rng([self._seed, number])
        heard = {
            role: resample(samples, from_hz=rate_hz, to_hz=RATE_HZ)
            for role, (samples, rate_hz) in waveforms.items()
        }
        own = {role: samples for role, samples in heard.items() if role in self._roles}
        if ROOM_NOISE_ROLE in heard:
            room = (heard[ROOM_NOISE_ROLE], RATE_HZ)
            yield ROOM, dict.fromkeys(own, room)
        even = {role: made_noise(_EVEN_NOISE, samples.size, rng) for role, samples in own.items()}
        yield LENGTH, _at_rate(even)
        yield UNHEARD, dict(self._same)
        pauses = {role: without_speech(samples) for role, samples in own.items()}
        found = {role: samples for role, samples in pauses.items() if samples is not None}
        if len(found) == len(own):
            yield PAUSES, _at_rate(found)
        if quiet:
            noise = self._ward(case, rng)
            for snr_db in SNRS_DB:
                yield (
                    mixed(snr_db),
                    _at_rate({role: mix(own[role], noise, snr_db) for role in own}),
                )

    def _ward(self, case: LabelledCase, rng: np.random.Generator) -> Samples:
        """Return the room of another patient, or a made one where nobody's was recorded."""
        others = [one for one in self._rooms if one.patient_id != case.patient_id]
        if not others:
            return made_noise(_WARD, 10 * RATE_HZ, rng)
        lender = others[int(rng.integers(len(others)))]
        samples, rate_hz = read_waveform(lender.recordings[ROOM_NOISE_ROLE].path)
        return resample(samples, from_hz=rate_hz, to_hz=RATE_HZ)


def made_noise(room: Room, n_samples: int, rng: np.random.Generator) -> Samples:
    """Return float32[n_samples] of a room in which nobody speaks."""
    return room_sound(room, max(1, n_samples), rng)[:n_samples].astype(np.float32)


def mix(voice: Samples, noise: Samples, snr_db: float) -> Samples:
    """Return the voice with the noise under it: level of its active frames over mean power.

    A short noise is repeated. A silent voice or noise changes nothing.
    """
    level_db = measure(voice, RATE_HZ).level_db
    power = float(np.mean(noise.astype(np.float64) ** 2)) if noise.size else 0.0
    if level_db is None or power <= _POWER_FLOOR:
        return voice
    gain = 10 ** ((level_db - snr_db) / 20) / np.sqrt(power)
    laid = np.resize(noise, voice.size)
    return np.clip(voice + gain * laid, -1.0, 1.0).astype(np.float32)


def without_speech(samples: Samples) -> Samples | None:
    """Return 4 s of what is heard where nobody speaks or breathes; None where hardly anything is.

    Frames of 10 ms count that lie 25 dB under the loud ones and within 6 dB of the tenth quietest
    percent: breath is louder than the room. Stretches of 0.1 s and more are faded into each
    other and repeated, so that neither their number nor their length tells of pauses.
    """
    n_frames = samples.size // _FRAME
    if n_frames < _LEAST_RUN:
        return None
    frames = samples[: n_frames * _FRAME].reshape(n_frames, _FRAME).astype(np.float64)
    frame_db = 10 * np.log10(np.mean(frames**2, axis=1) + _POWER_FLOOR)
    floor_db, loud_db = np.percentile(frame_db, [10, 95])
    quiet = (frame_db <= floor_db + _OVER_FLOOR_DB) & (frame_db < loud_db - _UNDER_P95_DB)
    stretches = [samples[a * _FRAME : b * _FRAME] for a, b in _runs(quiet)]
    if sum(part.size for part in stretches) < _LEAST_S * RATE_HZ:
        return None
    n_wanted = int(PAUSES_S * RATE_HZ)
    joined = _joined(stretches)
    while joined.size < n_wanted:
        joined = _joined([joined, *stretches])
    return joined[:n_wanted]


def _runs(quiet: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return start and end of each long run of quiet frames, a frame less on both sides."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    runs = [(int(a) + 1, int(b) - 1) for a, b in edges.reshape(-1, 2)]
    return [(a, b) for a, b in runs if b - a >= _LEAST_RUN]


def _joined(parts: Sequence[Samples]) -> Samples:
    """Return the parts one after another, each faded into the next over 5 ms."""
    joined = parts[0]
    rise = np.linspace(0, 1, _FADE, dtype=np.float32)
    for part in parts[1:]:
        seam = joined[-_FADE:] * (1 - rise) + part[:_FADE] * rise
        joined = np.concatenate((joined[:-_FADE], seam, part[_FADE:]))
    return joined


def _at_rate(samples: Mapping[str, Samples]) -> dict[str, Waveform]:
    return {role: (own, RATE_HZ) for role, own in samples.items()}

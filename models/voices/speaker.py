"""A synthetic speaker: one breathlessness that shows, blurred, in everything the voice does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

# Breathlessness is drawn from N(±1.2, 0.6): 2.3 % of each group lie on the other's side of 0,
# and each trait sees it through noise of its own. No single trait separates the groups.
_GROUP_CENTRE: Final = 1.2
_GROUP_SPREAD: Final = 0.6
_TRAIT_SPREAD: Final = 0.45

_SHARE_OF_WOMEN: Final = 0.5
_SHARE_WITH_BEEPS: Final = 0.4


class Group(StrEnum):
    """What a recording is labelled with."""

    PATIENT = "patient"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a room adds to every recording in it.

    Attributes:
        noise_dbfs: mean power of its noise.
        noise_tilt: exponent of the noise's power spectrum, 1 is pink.
        beep_dbfs: level of a monitor's beep; None in rooms without.
        beep_hz: its pitch.
    """

    noise_dbfs: float
    noise_tilt: float
    beep_dbfs: float | None
    beep_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """What one speaker and their room sound like.

    Attributes:
        f0_hz: mean pitch.
        tract: factor on the formants of an adult man.
        jitter: standard deviation of a glottal period, relative.
        shimmer: standard deviation of a period's amplitude, relative.
        aspiration_db: noise in the voice, against the voice.
        breath_db: noise of breathing in during pauses, against the voice.
        phrase_s: mean length between two breaths.
        pause_s: mean length of a breath.
        syllables_per_s: tempo of speech.
        phonation_s: how long a vowel is held.
        level_dbfs: mean power of the voice.
        room: where they speak.
    """

    group: Group
    f0_hz: float
    tract: float
    jitter: float
    shimmer: float
    aspiration_db: float
    breath_db: float
    phrase_s: float
    pause_s: float
    syllables_per_s: float
    phonation_s: float
    level_dbfs: float
    room: Room


def draw_speaker(group: Group, rng: np.random.Generator) -> Speaker:
    """Return a speaker of the group; sex, loudness and room do not depend on the group.

    The direction of each trait follows the literature on respiratory insufficiency (longer and
    more pauses, shorter phrases: Speech Prosody 2022); its size is invented.
    """
    centre = _GROUP_CENTRE if group is Group.PATIENT else -_GROUP_CENTRE
    breathless = rng.normal(centre, _GROUP_SPREAD)

    def trait() -> float:
        return float(rng.normal(breathless, _TRAIT_SPREAD))

    woman = rng.random() < _SHARE_OF_WOMEN
    return Speaker(
        group=group,
        f0_hz=float(rng.normal(205, 20) if woman else rng.normal(118, 14)),
        tract=float(rng.normal(1.15 if woman else 1.0, 0.03)),
        jitter=0.009 * float(np.exp(0.30 * trait())),
        shimmer=0.05 * float(np.exp(0.25 * trait())),
        aspiration_db=float(np.clip(-25 + 3.5 * trait(), -40, -10)),
        breath_db=float(np.clip(-35 + 4.5 * trait(), -50, -24)),
        phrase_s=float(np.clip(2.0 * np.exp(-0.32 * trait()), 0.7, 4.5)),
        pause_s=float(np.clip(0.30 * np.exp(0.38 * trait()), 0.1, 0.9)),
        syllables_per_s=float(np.clip(5.4 - 0.3 * trait(), 3.6, 7.2)),
        phonation_s=float(np.clip(4.8 * np.exp(-0.26 * trait()), 2.6, 9.0)),
        level_dbfs=float(np.clip(rng.normal(-22, 3), -29, -17)),
        room=_draw_room(rng),
    )


def _draw_room(rng: np.random.Generator) -> Room:
    """Return a room: the same draw for both groups, or the room would be learnt."""
    beeps = rng.random() < _SHARE_WITH_BEEPS
    beep_dbfs = float(rng.uniform(-54, -46))
    return Room(
        noise_dbfs=float(np.clip(rng.normal(-59, 3.5), -66, -51)),
        noise_tilt=float(rng.uniform(0.6, 1.6)),
        beep_dbfs=beep_dbfs if beeps else None,
        beep_hz=float(rng.uniform(780, 1_050)),
    )

"""What is said: each role as syllables, and the syllables as control curves of a vocal tract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.voices.speaker import Speaker

CONTROL_HZ: Final = 200
"""Control frames a second."""

LEAD_S: Final = 0.35
"""Room noise alone, before and after the voice."""

# Formants in Hz of an adult man's vowels: rounded textbook values for open and closed vowels.
_VOWELS: Final[dict[str, tuple[float, float, float]]] = {
    "a": (730, 1_250, 2_500),
    "e": (430, 1_950, 2_550),
    "i": (290, 2_250, 2_950),
    "o": (450, 850, 2_450),
    "u": (310, 750, 2_350),
}
_NASAL: Final = (270, 1_100, 2_200)
_FRICATIVES: Final = frozenset("sfxz")
_STOPS: Final = frozenset("ptkbdg")

# Onset consonant and vowel of each syllable, "." where a speaker would breathe anyway.
_RHYME: Final = "ba ta ti na ka no se . es pa la ra ma pe lo xa o . me ni na ka no do me . a me no"
_SENTENCE: Final = (
    "o a mo a o po si mo a zu da . a e fe ta e sa fa ze . ko a fo sa ke a ze te pe si za"
)
_TEXTS: Final[dict[str, str]] = {"parlenda": _RHYME, "frase": _SENTENCE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """How the vocal tract moves: arrays of one value a control frame.

    Attributes:
        formants_hz: float64[n_control, 3].
        voice: amplitude of the glottal pulses, 0 to 1.
        frication: amplitude of consonant noise, 0 to 1.
        breath: 1 while breathing in, else 0.
        pitch: factor on the speaker's f0.
    """

    formants_hz: NDArray[np.float64]
    voice: NDArray[np.float64]
    frication: NDArray[np.float64]
    breath: NDArray[np.float64]
    pitch: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """A stretch of constant targets."""

    duration_s: float
    formants_hz: tuple[float, float, float]
    voice: float = 0.0
    frication: float = 0.0
    breath: float = 0.0


def curves(role: str, speaker: Speaker, rng: np.random.Generator) -> Curves:
    """Return how this speaker says the role: `sustentada`, `parlenda` or `frase`."""
    if role == "sustentada":
        said = [_Segment(duration_s=speaker.phonation_s, formants_hz=_VOWELS["a"], voice=1.0)]
    else:
        said = _speech(_TEXTS[role].split(), speaker, rng)
    silence = _Segment(duration_s=LEAD_S, formants_hz=_VOWELS["a"])
    return _render([silence, *said, silence], speaker, rng)


def _speech(syllables: list[str], speaker: Speaker, rng: np.random.Generator) -> list[_Segment]:
    """Return the syllables with a breath where one is due: at a stop, or when air runs out."""
    segments: list[_Segment] = []
    air_s = _phrase_s(speaker, rng)
    for syllable in syllables:
        at_stop = syllable == "."
        if air_s <= 0 or (at_stop and air_s < 0.5 * speaker.phrase_s):
            segments.append(_inhalation(speaker, rng))
            air_s = _phrase_s(speaker, rng)
        if not at_stop:
            spoken = _syllable(syllable, speaker, rng)
            segments.extend(spoken)
            air_s -= sum(segment.duration_s for segment in spoken)
    return segments


def _phrase_s(speaker: Speaker, rng: np.random.Generator) -> float:
    return float(speaker.phrase_s * rng.uniform(0.7, 1.3))


def _inhalation(speaker: Speaker, rng: np.random.Generator) -> _Segment:
    pause_s = max(0.08, float(speaker.pause_s * rng.uniform(0.6, 1.4)))
    return _Segment(duration_s=pause_s, formants_hz=(500, 1_500, 2_500), breath=1.0)


def _syllable(syllable: str, speaker: Speaker, rng: np.random.Generator) -> list[_Segment]:
    duration_s = float(rng.uniform(0.8, 1.2) / speaker.syllables_per_s)
    onset, vowel = syllable[:-1], _VOWELS.get(syllable[-1], _VOWELS["a"])
    if not onset:
        return [_Segment(duration_s=duration_s, formants_hz=vowel, voice=1.0)]
    rest = _Segment(duration_s=0.65 * duration_s, formants_hz=vowel, voice=1.0)
    return [*_onset(onset, vowel, 0.35 * duration_s), rest]


def _onset(consonant: str, vowel: tuple[float, float, float], duration_s: float) -> list[_Segment]:
    if consonant in _FRICATIVES:
        voice = 0.3 if consonant == "z" else 0.0
        return [_Segment(duration_s=duration_s, formants_hz=vowel, frication=0.5, voice=voice)]
    if consonant in _STOPS:
        voice = 0.15 if consonant in "bdg" else 0.0
        return [
            _Segment(duration_s=0.7 * duration_s, formants_hz=vowel, voice=voice),
            _Segment(duration_s=0.3 * duration_s, formants_hz=vowel, frication=0.35),
        ]
    return [_Segment(duration_s=duration_s, formants_hz=_NASAL, voice=0.4)]


def _render(segments: list[_Segment], speaker: Speaker, rng: np.random.Generator) -> Curves:
    """Return the segments' targets, smoothed as a tongue and a larynx would."""
    lengths = [max(1, round(segment.duration_s * CONTROL_HZ)) for segment in segments]

    def held(values: list[float], glide_s: float) -> NDArray[np.float64]:
        return _smooth(np.repeat(np.array(values, dtype=np.float64), lengths), glide_s)

    formants = [
        held([segment.formants_hz[k] for segment in segments], 0.05) * speaker.tract
        for k in range(3)
    ]
    voice = held([segment.voice for segment in segments], 0.03)
    return Curves(
        formants_hz=np.stack(formants, axis=1),
        voice=voice * _drift(voice.size, 0.08, rng),
        frication=held([segment.frication for segment in segments], 0.015),
        breath=held([segment.breath for segment in segments], 0.06),
        pitch=_drift(voice.size, 0.05, rng) * np.linspace(1.04, 0.96, voice.size),
    )


def _smooth(values: NDArray[np.float64], glide_s: float) -> NDArray[np.float64]:
    n = max(1, round(glide_s * CONTROL_HZ)) | 1
    window = np.hanning(n + 2)[1:-1]
    padded = np.pad(values, n // 2, mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")


def _drift(n_control: int, depth: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a slow random walk around 1, of that standard deviation."""
    n_knots = 2 + 3 * n_control // CONTROL_HZ
    knots = rng.normal(1.0, depth, n_knots)
    return np.interp(np.linspace(0, n_knots - 1, n_control), np.arange(n_knots), knots)

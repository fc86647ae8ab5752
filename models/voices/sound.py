"""Curves of a vocal tract become samples: glottal pulses and noise, filtered by formants."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.voices.script import CONTROL_HZ, Curves, curves
from models.voices.speaker import Room, Speaker

RATE_HZ: Final = 16_000

_PCM_FULL_SCALE: Final = 32_768
_PEAK_MOST: Final = 0.9
_N_FFT: Final = 512
_FRAME: Final = 256
_HOP: Final = 128
_OPEN_QUOTIENT: Final = 0.6
_BANDWIDTHS_HZ: Final = (80.0, 110.0, 160.0, 250.0)
_FOURTH_FORMANT_HZ: Final = 3_500.0
_FRICATION_PEAK_HZ: Final = 4_800.0
_FRICATION_WIDTH_HZ: Final = 1_800.0
_FLAT_BELOW_HZ: Final = 50.0
_BEEP_S: Final = 0.12
_BEEP_EVERY_S: Final = 1.1


def record(role: str, speaker: Speaker, rng: np.random.Generator) -> NDArray[np.int16]:
    """Return one take of a role as int16[n_samples] at 16 kHz."""
    moves = curves(role, speaker, rng)
    n_samples = moves.voice.size * RATE_HZ // CONTROL_HZ
    voice = _voice(moves, speaker, n_samples, rng)
    voice *= _gain(voice, speaker.level_dbfs)
    sound = voice + room_sound(speaker.room, n_samples, rng)
    sound *= min(1.0, _PEAK_MOST / float(np.abs(sound).max()))
    return np.round(sound * (_PCM_FULL_SCALE - 1)).astype(np.int16)


def _voice(
    moves: Curves, speaker: Speaker, n_samples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return voice, consonants and breath together, at any level."""
    amplitude = _at_rate(moves.voice, n_samples)
    pulses = _pulses(_at_rate(moves.pitch, n_samples) * speaker.f0_hz, speaker, rng)
    noise = rng.standard_normal(n_samples)
    voiced = amplitude * (pulses + _factor(speaker.aspiration_db) * noise)
    breath = _factor(speaker.breath_db) * _at_rate(moves.breath, n_samples) * noise
    hiss = 0.25 * _at_rate(moves.frication, n_samples) * rng.standard_normal(n_samples)
    throat = _filtered(voiced + breath, _tract_response(moves, n_samples))
    return throat + _filtered(hiss, _frication_response())


def _pulses(
    f0_hz: NDArray[np.float64], speaker: Speaker, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the derivative of glottal flow, unit power.

    Within a period the flow is t² - t³ (Klatt and Klatt, J. Acoust. Soc. Am. 87, 1990) while the
    glottis is open, 0 while it is closed.
    """
    cycles = np.cumsum(f0_hz) / RATE_HZ
    n_periods = int(cycles[-1]) + 2
    starts = np.arange(n_periods) + speaker.jitter * np.cumsum(rng.normal(0, 0.5, n_periods))
    starts += speaker.jitter * rng.normal(0, 1, n_periods)
    starts = np.maximum.accumulate(starts)
    at = np.clip(np.searchsorted(starts, cycles, side="right") - 1, 0, n_periods - 2)
    length = np.maximum(starts[at + 1] - starts[at], 1e-3)
    phase = np.clip((cycles - starts[at]) / length, 0, 1) / _OPEN_QUOTIENT
    flow = np.where(phase < 1, 2 * phase - 3 * phase**2, 0.0)
    loud = 1 + speaker.shimmer * rng.standard_normal(n_periods)
    pulses = flow * loud[at]
    scaled: NDArray[np.float64] = pulses / np.sqrt(np.mean(pulses**2))
    return scaled


def _tract_response(moves: Curves, n_samples: int) -> NDArray[np.complex128]:
    """Return complex128[n_frames, n_bins]: a cascade of four resonances, moving with time."""
    centres = np.arange(_n_frames(n_samples)) * _HOP * CONTROL_HZ // RATE_HZ
    formants = moves.formants_hz[np.minimum(centres, len(moves.formants_hz) - 1)]
    f_hz = np.fft.rfftfreq(_N_FFT, 1 / RATE_HZ)[None, :]
    attenuation = np.ones((formants.shape[0], f_hz.shape[1]), dtype=np.complex128)
    fourth = np.full((formants.shape[0], 1), _FOURTH_FORMANT_HZ)
    poles = np.concatenate((formants, fourth), axis=1)
    for k, width_hz in enumerate(_BANDWIDTHS_HZ):
        ratio = f_hz / poles[:, k : k + 1]
        attenuation *= 1 - ratio**2 + 1j * ratio * (width_hz / poles[:, k : k + 1])
    response: NDArray[np.complex128] = 1 / attenuation
    return response


def _frication_response() -> NDArray[np.complex128]:
    f_hz = np.fft.rfftfreq(_N_FFT, 1 / RATE_HZ)[None, :]
    shape = np.exp(-0.5 * ((f_hz - _FRICATION_PEAK_HZ) / _FRICATION_WIDTH_HZ) ** 2)
    return shape.astype(np.complex128)


def _n_frames(n_samples: int) -> int:
    return n_samples // _HOP + 1


def _filtered(sound: NDArray[np.float64], response: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the sound through a response that changes by frame (overlap-add)."""
    n_frames = _n_frames(sound.size)
    padded = np.zeros(n_frames * _HOP + _FRAME)
    padded[_HOP : _HOP + sound.size] = sound
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP][:n_frames]
    # A periodic Hann window of two hops adds up to one.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / _FRAME)
    spectra = np.fft.rfft(frames * window, _N_FFT) * response
    blocks = np.fft.irfft(spectra, _N_FFT).reshape(n_frames, _N_FFT // _HOP, _HOP)
    out = np.zeros((n_frames + _N_FFT // _HOP, _HOP))
    for k in range(_N_FFT // _HOP):
        out[k : k + n_frames] += blocks[:, k]
    return out.reshape(-1)[_HOP : _HOP + sound.size]


def room_sound(room: Room, n_samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return coloured noise, and a monitor's beeps in some rooms."""
    n_fft = 1 << n_samples.bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(n_fft))
    f_hz = np.maximum(np.fft.rfftfreq(n_fft, 1 / RATE_HZ), _FLAT_BELOW_HZ)
    noise = np.fft.irfft(spectrum * f_hz ** (-room.noise_tilt / 2), n_fft)[:n_samples]
    noise *= _factor(room.noise_dbfs) / np.sqrt(np.mean(noise**2))
    if room.beep_dbfs is None:
        return noise
    t_s = np.arange(n_samples) / RATE_HZ + rng.uniform(0, _BEEP_EVERY_S)
    beeping = np.sin(np.pi * np.clip(t_s % _BEEP_EVERY_S / _BEEP_S, 0, 1)) ** 2
    tone = np.sqrt(2) * np.sin(2 * np.pi * room.beep_hz * t_s)
    return noise + _factor(room.beep_dbfs) * beeping * tone


def _gain(voice: NDArray[np.float64], level_dbfs: float) -> float:
    """Return the factor that brings the loud part of a voice to the level."""
    power = voice[: voice.size // _HOP * _HOP].reshape(-1, _HOP) ** 2
    frame_power = power.mean(axis=1)
    loud = frame_power[frame_power > 0.01 * np.percentile(frame_power, 95)]
    return _factor(level_dbfs) / float(np.sqrt(loud.mean()))


def _at_rate(curve: NDArray[np.float64], n_samples: int) -> NDArray[np.float64]:
    at = np.arange(n_samples) * (CONTROL_HZ / RATE_HZ)
    return np.interp(at, np.arange(curve.size), curve)


def _factor(db: float) -> float:
    return float(10 ** (db / 20))

"""RIFF/WAVE with 16-bit PCM, read without believing a single declared length.

Layout: "Multimedia Programming Interface and Data Specifications 1.0" (IBM, Microsoft, 1991)
and, for `WAVE_FORMAT_EXTENSIBLE`, the `WAVEFORMATEXTENSIBLE` structure of Windows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import InvalidAudio, UnsupportedAudio

MAX_BYTES: Final = 24 * 1024 * 1024
MAX_DURATION_S: Final = 120
MIN_RATE_HZ: Final = 16_000
MAX_RATE_HZ: Final = 96_000
MAX_CHANNELS: Final = 2
# Field recorders write about ten chunks (LIST, bext, cue, …); a hostile file could hold millions.
MAX_CHUNKS: Final = 64
FULL_SCALE: Final = 32_768
HEADER_BYTES: Final = 44
SAMPLE_BYTES: Final = 2

_RIFF_HEADER_BYTES: Final = 12
_CHUNK_HEADER_BYTES: Final = 8
_SAMPLE_BITS: Final = 16
_TAG_PCM: Final = 0x0001
_TAG_EXTENSIBLE: Final = 0xFFFE
_PLAIN_FMT_BYTES: Final = frozenset({16, 18})
_EXTENSIBLE_FMT_BYTES: Final = 40
_EXTENSION_BYTES: Final = 22
_SUBFORMAT_PCM: Final = bytes.fromhex("0100000000001000800000aa00389b71")
# What a recorder leaves in a length it meant to fill in when it stopped.
_UNFINISHED_LENGTHS: Final = frozenset({0, 0xFFFF_FFFF})

# A string: `memoryview` takes a type argument only from Python 3.14 on.
_Bytes: TypeAlias = "memoryview[int]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wav:
    """The samples of a recording, at the rate they were taken.

    Attributes:
        sample_rate_hz: 16,000 to 96,000.
        pcm: int16[n_frames, n_channels], 1 or 2 channels; a view on the bytes that were read.
    """

    sample_rate_hz: int
    pcm: NDArray[np.int16]

    @property
    def n_frames(self) -> int:
        """Samples a channel."""
        return int(self.pcm.shape[0])

    @property
    def n_channels(self) -> int:
        """1 or 2."""
        return int(self.pcm.shape[1])

    @property
    def duration_s(self) -> float:
        """Length in seconds, above 0 and at most 120."""
        return self.n_frames / self.sample_rate_hz

    def waveform(self) -> NDArray[np.float32]:
        """Return the first channel as float32[n_frames] in [-1, 1)."""
        waveform = self.pcm[:, 0].astype(np.float32)
        waveform /= np.float32(FULL_SCALE)  # in place: a long recording is 46 MiB by now
        return waveform


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    sample_rate_hz: int
    n_channels: int


def read_wav(content: bytes | _Bytes) -> Wav:
    """Return the samples of a whole WAV file, or refuse it by name; nothing is guessed.

    Time and memory do not grow with what the file claims: the samples are a view on `content`.

    Raises:
        UnsupportedAudio: another container, coding, channel count or rate (`reason` says which).
        InvalidAudio: cut, empty, longer than 120 s or 24 MiB, or contradicting itself.
    """
    view = memoryview(content).cast("B")
    _check_riff(view)
    chunks = _chunks(view)
    if b"fmt " not in chunks:
        raise InvalidAudio(reason="no-fmt-chunk")
    fmt = _read_format(chunks[b"fmt "])
    if b"data" not in chunks:
        raise InvalidAudio(reason="no-data-chunk")
    return Wav(sample_rate_hz=fmt.sample_rate_hz, pcm=_samples(chunks[b"data"], fmt))


def write_wav(pcm: NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """Return the canonical file: 44 bytes of header, then the samples.

    Args:
        pcm: int16[n_frames] or int16[n_frames, n_channels].
        sample_rate_hz: 16,000 to 96,000, or `read_wav` will refuse the file.
    """
    n_channels = 1 if pcm.ndim == 1 else pcm.shape[1]
    samples = np.ascontiguousarray(pcm, dtype="<i2").tobytes()
    block = n_channels * SAMPLE_BYTES
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(samples),
        b"WAVE",
        b"fmt ",
        16,
        _TAG_PCM,
        n_channels,
        sample_rate_hz,
        sample_rate_hz * block,
        block,
        _SAMPLE_BITS,
        b"data",
        len(samples),
    )
    return header + samples


def _check_riff(view: _Bytes) -> None:
    if not view:
        raise InvalidAudio(reason="empty")
    if len(view) > MAX_BYTES:
        raise InvalidAudio(reason="too-large", n_bytes=len(view), max_bytes=MAX_BYTES)
    if bytes(view[:4]) != b"RIFF":
        raise UnsupportedAudio(reason="not-riff-wave")
    if len(view) < _RIFF_HEADER_BYTES:
        raise InvalidAudio(reason="truncated")
    if bytes(view[8:12]) != b"WAVE":
        raise UnsupportedAudio(reason="not-riff-wave")
    _check_riff_length(view)


def _check_riff_length(view: _Bytes) -> None:
    (declared,) = struct.unpack_from("<I", view, 4)
    if declared in _UNFINISHED_LENGTHS:
        raise InvalidAudio(reason="unfinished-length")
    present = len(view) - _CHUNK_HEADER_BYTES
    if declared > present:
        raise InvalidAudio(reason="truncated", declared=declared, present=present)
    # Some writers do not count the pad byte after a last chunk of odd length.
    if declared < present and not (declared % 2 == 1 and present == declared + 1):
        raise InvalidAudio(reason="trailing-bytes", declared=declared, present=present)


def _chunks(view: _Bytes) -> dict[bytes, _Bytes]:
    """Return the `fmt ` and `data` chunks; others are passed over, at most 64 in all."""
    found: dict[bytes, _Bytes] = {}
    offset = _RIFF_HEADER_BYTES
    for _ in range(MAX_CHUNKS):
        if offset >= len(view):
            return found
        name, body = _chunk_at(view, offset)
        if name in {b"fmt ", b"data"}:
            if name in found:
                raise InvalidAudio(reason="duplicate-chunk")
            if name == b"data" and not found:
                raise InvalidAudio(reason="data-before-fmt")
            found[name] = body
        offset += _CHUNK_HEADER_BYTES + len(body) + len(body) % 2
    if offset < len(view):
        raise InvalidAudio(reason="too-many-chunks", max_chunks=MAX_CHUNKS)
    return found


def _chunk_at(view: _Bytes, offset: int) -> tuple[bytes, _Bytes]:
    start = offset + _CHUNK_HEADER_BYTES
    if start > len(view):
        raise InvalidAudio(reason="truncated")
    name, length = struct.unpack_from("<4sI", view, offset)
    present = len(view) - start
    if name == b"data" and length in _UNFINISHED_LENGTHS and present:
        raise InvalidAudio(reason="unfinished-length")
    if length > present:
        raise InvalidAudio(reason="truncated", declared=length, present=present)
    return name, view[start : start + length]


def _read_format(fmt: _Bytes) -> _Format:
    if len(fmt) not in _PLAIN_FMT_BYTES and len(fmt) != _EXTENSIBLE_FMT_BYTES:
        raise InvalidAudio(reason="fmt-length")
    tag, n_channels, rate_hz, byte_rate, block, bits = struct.unpack_from("<HHIIHH", fmt)
    _check_coding(fmt, tag=tag, bits=bits)
    if not 1 <= n_channels <= MAX_CHANNELS:
        raise UnsupportedAudio(reason="channels", n_channels=n_channels)
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise UnsupportedAudio(reason="sample-rate", sample_rate_hz=rate_hz)
    if block != n_channels * SAMPLE_BYTES or byte_rate != rate_hz * block:
        raise InvalidAudio(reason="contradictory-fmt")
    return _Format(sample_rate_hz=rate_hz, n_channels=n_channels)


def _check_coding(fmt: _Bytes, *, tag: int, bits: int) -> None:
    if tag == _TAG_EXTENSIBLE:
        if len(fmt) != _EXTENSIBLE_FMT_BYTES:
            raise InvalidAudio(reason="fmt-length")
        extension, valid_bits = struct.unpack_from("<HH", fmt, 16)
        if extension != _EXTENSION_BYTES:
            raise InvalidAudio(reason="contradictory-fmt")
        if bytes(fmt[24:40]) != _SUBFORMAT_PCM or valid_bits != _SAMPLE_BITS:
            raise UnsupportedAudio(reason="not-pcm16")
    elif tag != _TAG_PCM:
        raise UnsupportedAudio(reason="not-pcm16")
    if bits != _SAMPLE_BITS:
        raise UnsupportedAudio(reason="not-pcm16", bits=bits)


def _samples(body: _Bytes, fmt: _Format) -> NDArray[np.int16]:
    if not body:
        raise InvalidAudio(reason="empty")
    if len(body) % (fmt.n_channels * SAMPLE_BYTES):
        raise InvalidAudio(reason="odd-length")
    pcm = np.frombuffer(body, dtype="<i2").reshape(-1, fmt.n_channels)
    if pcm.shape[0] > MAX_DURATION_S * fmt.sample_rate_hz:
        raise InvalidAudio(reason="too-long", max_duration_s=MAX_DURATION_S)
    return pcm.astype(np.int16, copy=False)

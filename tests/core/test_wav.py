"""The strict reader of WAV files: real files, contradictions, and hostile bytes."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from appliance.core.errors import InvalidAudio, UnsupportedAudio
from appliance.core.wav import MAX_BYTES, read_wav, write_wav

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 16_000
PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")
FLOAT_GUID = bytes.fromhex("0300000000001000800000aa00389b71")


def chunk(name: bytes, body: bytes, *, length: int | None = None) -> bytes:
    """Return a chunk, padded to even; `length` lies about its size."""
    declared = len(body) if length is None else length
    return name + struct.pack("<I", declared) + body + b"\0" * (len(body) % 2)


def fmt(
    *,
    tag: int = 1,
    channels: int = 1,
    rate_hz: int = RATE_HZ,
    block: int | None = None,
    byte_rate: int | None = None,
    bits: int = 16,
    extension: bytes = b"",
) -> bytes:
    """Return a `fmt ` chunk."""
    block = channels * 2 if block is None else block
    byte_rate = rate_hz * block if byte_rate is None else byte_rate
    body = struct.pack("<HHIIHH", tag, channels, rate_hz, byte_rate, block, bits)
    return chunk(b"fmt ", body + extension)


def extensible(*, guid: bytes = PCM_GUID, valid_bits: int = 16, size: int = 22) -> bytes:
    """Return a `WAVE_FORMAT_EXTENSIBLE` chunk."""
    return fmt(tag=0xFFFE, extension=struct.pack("<HHI", size, valid_bits, 4) + guid)


def riff(*chunks: bytes, length: int | None = None) -> bytes:
    """Return a RIFF/WAVE file of these chunks; `length` lies about its size."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body


DATA = chunk(b"data", b"\1\0\2\0\3\0\4\0")


@given(
    pcm=hnp.arrays(np.int16, st.tuples(st.integers(1, 300), st.integers(1, 2))),
    rate_hz=st.integers(16_000, 96_000),
)
def test_what_was_written_is_read(pcm: NDArray[np.int16], rate_hz: int) -> None:
    """Samples, channels and rate survive a round trip."""
    wav = read_wav(write_wav(pcm, rate_hz))
    assert wav.sample_rate_hz == rate_hz
    assert (wav.n_frames, wav.n_channels) == pcm.shape
    assert np.array_equal(wav.pcm, pcm)
    assert wav.duration_s == len(pcm) / rate_hz


def test_one_dimension_is_mono() -> None:
    """int16[n] is written as one channel with a header of 44 bytes."""
    content = write_wav(np.array([-32_768, 0, 32_767], np.int16), RATE_HZ)
    assert len(content) == 44 + 6
    assert read_wav(content).pcm.shape == (3, 1)


def test_waveform_is_the_first_channel_at_full_scale_one() -> None:
    """float32, -32768 is -1.0, and the second channel is not mixed in."""
    pcm = np.array([[-32_768, 5], [16_384, 5]], np.int16)
    waveform = read_wav(write_wav(pcm, RATE_HZ)).waveform()
    assert waveform.dtype == np.float32
    assert waveform.tolist() == [-1.0, 0.5]


@pytest.mark.parametrize(
    "content",
    [
        riff(fmt(), DATA),
        riff(fmt(extension=b"\0\0"), DATA),
        riff(extensible(), DATA),
        riff(
            chunk(b"LIST", b"odd"), fmt(), chunk(b"fact", b"\4\0\0\0"), DATA, chunk(b"bext", b"x")
        ),
        riff(fmt(), DATA, b"LIST\3\0\0\0abc"),
        riff(fmt(), DATA, b"LIST\3\0\0\0abc\0", length=4 + 24 + 16 + 11),
        memoryview(riff(fmt(), DATA)),
    ],
    ids=["plain", "fmt-18", "extensible", "other-chunks", "no-pad", "uncounted-pad", "memoryview"],
)
def test_what_recorders_write_is_read(content: bytes) -> None:
    """Plain and extensible headers, other chunks, and either habit with the last pad byte."""
    assert read_wav(content).pcm[:, 0].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"OggS" + bytes(60), "not-riff-wave"),
        (b"RF64" + riff(fmt(), DATA)[4:], "not-riff-wave"),
        (b"RIFF\4\0\0\0AVI ", "not-riff-wave"),
        (b"x", "not-riff-wave"),
        (riff(fmt(tag=3), DATA), "not-pcm16"),
        (riff(fmt(bits=24), DATA), "not-pcm16"),
        (riff(extensible(guid=FLOAT_GUID), DATA), "not-pcm16"),
        (riff(extensible(valid_bits=12), DATA), "not-pcm16"),
        (riff(fmt(channels=0), DATA), "channels"),
        (riff(fmt(channels=6), DATA), "channels"),
        (riff(fmt(rate_hz=8_000), DATA), "sample-rate"),
        (riff(fmt(rate_hz=15_999), DATA), "sample-rate"),
        (riff(fmt(rate_hz=96_001), DATA), "sample-rate"),
    ],
)
def test_other_formats_are_refused(content: bytes, reason: str) -> None:
    """Another container, coding, channel count or rate is named, never converted."""
    with pytest.raises(UnsupportedAudio) as refusal:
        read_wav(content)
    assert refusal.value.details["reason"] == reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"RIFF\4\0", "truncated"),
        (riff(fmt(), DATA, length=1_000), "truncated"),
        (riff(fmt(), DATA, length=0), "unfinished-length"),
        (riff(fmt(), DATA, length=0xFFFF_FFFF), "unfinished-length"),
        (riff(fmt(), DATA, length=10), "trailing-bytes"),
        (riff(fmt(), DATA) + b"\0", "trailing-bytes"),
        (riff(fmt(), DATA, b"LIS"), "truncated"),
        (riff(fmt(), chunk(b"data", b"\1\0", length=0xFFFF_FFFF)), "unfinished-length"),
        (riff(fmt(), chunk(b"data", b"\1\0", length=0)), "unfinished-length"),
        (riff(fmt(), chunk(b"data", b"\1\0", length=4)), "truncated"),
        (riff(fmt(), chunk(b"LIST", b"", length=0xFFFF_FFF0)), "truncated"),
        (riff(fmt(), chunk(b"data", b"")), "empty"),
        (riff(fmt(), chunk(b"data", b"\1\0\2")), "odd-length"),
        (riff(fmt(channels=2), chunk(b"data", b"\1\0")), "odd-length"),
        (riff(fmt(), fmt(), DATA), "duplicate-chunk"),
        (riff(fmt(), DATA, DATA), "duplicate-chunk"),
        (riff(DATA, fmt()), "data-before-fmt"),
        (riff(), "no-fmt-chunk"),
        (riff(fmt()), "no-data-chunk"),
        (riff(chunk(b"fmt ", b"\1\0"), DATA), "fmt-length"),
        (riff(fmt(tag=0xFFFE), DATA), "fmt-length"),
        (riff(extensible(size=0), DATA), "contradictory-fmt"),
        (riff(fmt(block=4), DATA), "contradictory-fmt"),
        (riff(fmt(byte_rate=1), DATA), "contradictory-fmt"),
        (riff(fmt(), *[chunk(b"junk", b"")] * 64, DATA), "too-many-chunks"),
        (riff(fmt(), chunk(b"data", bytes(120 * RATE_HZ * 2 + 2))), "too-long"),
        (bytes(MAX_BYTES + 1), "too-large"),
    ],
)
def test_what_cannot_be_true_is_refused(content: bytes, reason: str) -> None:
    """A file that is cut, empty, too long or contradicts itself is named so."""
    with pytest.raises(InvalidAudio) as refusal:
        read_wav(content)
    assert refusal.value.details["reason"] == reason


def test_two_minutes_are_not_too_long() -> None:
    """120 s are read whole."""
    assert read_wav(write_wav(np.zeros(120 * RATE_HZ, np.int16), RATE_HZ)).duration_s == 120


def read_or_refuse(content: bytes) -> None:
    """Read, allowing only the two refusals and only samples that are really there."""
    with contextlib.suppress(UnsupportedAudio, InvalidAudio):
        wav = read_wav(content)
        assert 0 < wav.pcm.nbytes <= len(content)


@given(st.binary(max_size=400))
def test_any_bytes_end_in_samples_or_a_refusal(content: bytes) -> None:
    """Random bytes, bare or behind a true header, raise nothing else."""
    read_or_refuse(content)
    read_or_refuse(riff(content))
    read_or_refuse(riff(fmt(), content))


@given(
    edits=st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 400),
)
def test_a_damaged_real_file_ends_in_samples_or_a_refusal(
    real_audio: Path, edits: list[tuple[int, int]], cut: int
) -> None:
    """Changed header bytes and a lost tail of a real recording raise nothing else."""
    with (real_audio / "parlenda_motoz2_chrome_ns0ec0agc0.wav").open("rb") as stream:
        content = bytearray(stream.read(4_096))
    struct.pack_into("<I", content, 4, len(content) - 8)
    struct.pack_into("<I", content, 40, len(content) - 44)
    for offset, value in edits:
        content[offset] = value
    read_or_refuse(bytes(content[: len(content) - cut]))


def test_real_recordings_are_read(real_audio: Path) -> None:
    """All eight files of the SPIRA team are 48 kHz mono of 2 to 10 s."""
    wavs = [read_wav(path.read_bytes()) for path in sorted(real_audio.glob("*.wav"))]
    assert len(wavs) == 8
    assert {(wav.sample_rate_hz, wav.n_channels) for wav in wavs} == {(48_000, 1)}
    assert all(2 < wav.duration_s < 10 for wav in wavs)

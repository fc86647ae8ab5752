"""What mutated WAVs begin as: real ones, hand-made ones, and those of other recorders."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from typing import Final

import numpy as np

from appliance.core.wav import write_wav
from tests.recordings import DEMONSTRATION, SHARED_AUDIO
from tests.torture.mutation import mutated

RATE_HZ: Final = 16_000
SHORT_BYTES: Final = 6_400
RIFF_BYTES: Final = 12
PCM_GUID: Final = bytes.fromhex("0100000000001000800000aa00389b71")
FLOAT_GUID: Final = bytes.fromhex("0300000000001000800000aa00389b71")


def chunk(name: bytes, body: bytes, *, length: int | None = None) -> bytes:
    """Return a chunk, padded to even; `length` lies about its size."""
    declared = len(body) if length is None else length
    return name + struct.pack("<I", declared) + body + b"\0" * (len(body) % 2)


def fmt(tag: int, channels: int, rate_hz: int, bits: int, extension: bytes = b"") -> bytes:
    """Return a `fmt ` chunk whose numbers agree with each other."""
    block = channels * bits // 8
    body = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * block, block, bits)
    return chunk(b"fmt ", body + extension)


def riff(*chunks: bytes, length: int | None = None, mark: bytes = b"RIFF") -> bytes:
    """Return a RIFF/WAVE file of these chunks; `length` lies about its size."""
    body = b"WAVE" + b"".join(chunks)
    return mark + struct.pack("<I", len(body) if length is None else length) + body


def _extensible(guid: bytes, *, bits: int = 16) -> bytes:
    return fmt(0xFFFE, 2, 48_000, bits, struct.pack("<HHI", 22, bits, 3) + guid)


def _hand_made() -> list[bytes]:
    plain = fmt(1, 1, RATE_HZ, 16)
    voice = np.round(9_000 * np.sin(np.arange(3_200) / 7)).astype("<i2").tobytes()
    data = chunk(b"data", voice)
    listed = chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 4) + b"Lavf")
    return [
        riff(plain, data),
        riff(fmt(1, 1, RATE_HZ, 16, b"\0\0"), data),
        riff(fmt(1, 2, 44_100, 16), data),
        riff(fmt(1, 1, 96_000, 16), data),
        riff(_extensible(PCM_GUID), data),
        riff(_extensible(FLOAT_GUID, bits=32), data),
        riff(fmt(3, 1, RATE_HZ, 32, b"\0\0"), chunk(b"fact", b"\x80\x0c\0\0"), data),
        *(riff(fmt(1, 1, RATE_HZ, bits), data) for bits in (8, 24, 32)),
        riff(fmt(6, 1, 8_000, 8, b"\0\0"), data),
        riff(fmt(1, 6, 48_000, 16), data),
        riff(listed, plain, chunk(b"fact", b"\4\0\0\0"), data, chunk(b"bext", b"odd")),
        riff(plain, data, b"LIST\3\0\0\0abc"),
        riff(plain, chunk(b"junk", b""), *[chunk(b"cue ", b"x")] * 61, data),
        riff(plain, plain, data),
        riff(plain, data, data),
        riff(data, plain),
        riff(plain, chunk(b"data", b"")),
        # A chunk within a chunk, and one that reaches into the next.
        riff(plain, chunk(b"LIST", plain + data), data),
        riff(chunk(b"LIST", b"INFO", length=4 + len(plain)), plain, data),
        # Lengths that lie.
        *(riff(plain, data, length=lie) for lie in (0, 4, 2**31, 2**32 - 1)),
        *(riff(plain, chunk(b"data", voice, length=lie)) for lie in (0, 1, 2**31, 2**32 - 1)),
        riff(
            chunk(b"ds64", struct.pack("<QQQI", 2**40, 2**40, 2**39, 0)), plain, data, mark=b"RF64"
        ),
        riff(plain, data, mark=b"RIFX"),
        b"ID3\4\0\0\0\0\0\x0a\xff\xfb\x90\x64" + bytes(600),
        b"OggS\0\2" + bytes(600),
        b"",
    ]


def _cut(content: bytes) -> bytes:
    """Return the first moment of a plain file, with true lengths."""
    head = bytearray(content[:SHORT_BYTES])
    struct.pack_into("<I", head, 4, len(head) - 8)
    struct.pack_into("<I", head, 40, len(head) - 44)
    return bytes(head)


def _taken() -> list[bytes]:
    """Return cuts of the golden recordings, and of those of real phones where they are."""
    with zipfile.ZipFile(io.BytesIO(DEMONSTRATION.read_bytes())) as archive:
        golden = [archive.read(name) for name in archive.namelist() if name.endswith(".wav")]
    phones = [path.read_bytes() for path in sorted(SHARED_AUDIO.glob("*.wav"))]
    return [_cut(content) for content in (*golden, *phones)]


class Seeds:
    """Every seed, read once, and what becomes of them."""

    def __init__(self) -> None:
        """Make and read them."""
        self.short = (*_hand_made(), *_taken())
        second = np.arange(48_000 * 2, dtype=np.int32).reshape(-1, 2) * 7 % 20_000 - 10_000
        self.long = write_wav(np.tile(second.astype(np.int16), (120, 1)), 48_000)
        """120 s in stereo: as much as a recording may be."""

    def mutant(self, chance: random.Random) -> bytes:
        """Return one file that the box may be sent.

        Most changes make a length a lie, and nothing behind it would be tried: of every other
        file the lengths are made true again.
        """
        content = mutated(chance.choice(self.short), chance, self.short)
        return _mended(content, chance) if chance.random() < 0.5 else content

    def long_mutant(self, chance: random.Random) -> bytes:
        """Return one of the largest, changed in its head alone."""
        return mutated(self.long[:44], chance) + self.long[44:]


def _mended(content: bytes, chance: random.Random) -> bytes:
    """Return the file with the true length of the whole, and sometimes of its last chunk."""
    mended = bytearray(content)
    if len(mended) >= RIFF_BYTES:
        struct.pack_into("<I", mended, 4, len(mended) - 8)
    at = mended.rfind(b"data")
    if 0 <= at <= len(mended) - 8 and chance.random() < 0.5:
        struct.pack_into("<I", mended, at + 4, len(mended) - at - 8)
    return bytes(mended)

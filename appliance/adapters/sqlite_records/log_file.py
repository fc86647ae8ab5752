"""The write-ahead log of a box that was killed: is it whole to its end?

SQLite takes a frame whose checksum fails for the end of the log, and drops it with all behind it:
right for a write that a power cut tore, but a bit that flips in a log silently takes back what
was acknowledged. Format: sqlite.org/fileformat2.html, "The Write-Ahead Log".
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from appliance.core.log_damage import LogDamage

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_BIG_ENDIAN_SUMS: Final = 1
_MAGIC: Final = 0x377F0682
_PAGE_BYTES: Final = 4096
_PAGE_SIZES: Final = frozenset(1 << n for n in range(9, 17))

_Sums: TypeAlias = tuple[int, int]
_Checksum: TypeAlias = Callable[[_Sums, bytes], _Sums]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """One page in the log.

    Attributes:
        commits: it ends a transaction.
        salts: of the generation of the log it belongs to.
        sums: the checksum it carries.
        summed: what the checksum is taken over, besides the one before it.
    """

    commits: bool
    salts: _Sums
    sums: _Sums
    summed: bytes


def log_damage(log: Path) -> LogDamage | None:
    """Return what a damaged frame takes with it; None where the log is whole or absent.

    Nothing may write it meanwhile. Each transaction is on disk before the next one begins: so
    what lies before the last one was acknowledged, and is surely lost when SQLite drops it. The
    last one may as well be a write that a power cut tore. A flipped bit in the salts of a last
    frame makes it look like what an older log left behind, and is not seen.
    """
    try:
        content = log.read_bytes()
    except FileNotFoundError:
        return None
    if len(content) < _HEADER.size + _FRAME.size:
        return None
    magic, _, n_page, _, *salts, sum_1, sum_2 = _HEADER.unpack_from(content)
    header_sums = _checksum(24, big=bool(magic & _BIG_ENDIAN_SUMS))((0, 0), content[:24])
    headed = magic | _BIG_ENDIAN_SUMS == _MAGIC | _BIG_ENDIAN_SUMS and header_sums == (sum_1, sum_2)
    n_page = n_page if headed and n_page in _PAGE_SIZES else _PAGE_BYTES
    frames = _frames(content, n_page)
    if not frames:
        return None
    generation = (salts[0], salts[1]) if headed else frames[0].salts
    checksum = _checksum(8 + n_page, big=headed and bool(magic & _BIG_ENDIAN_SUMS))
    n_whole, sums = _whole(frames, generation, header_sums, checksum) if headed else (0, (0, 0))
    return _dropped(frames[n_whole:], generation, sums, checksum)


def _frames(content: bytes, n_page: int) -> list[_Frame]:
    found = []
    for start in range(_HEADER.size, len(content) - _FRAME.size - n_page + 1, _FRAME.size + n_page):
        _, n_pages, salt_1, salt_2, sum_1, sum_2 = _FRAME.unpack_from(content, start)
        body = start + _FRAME.size
        frame = _Frame(
            commits=n_pages > 0,
            salts=(salt_1, salt_2),
            sums=(sum_1, sum_2),
            summed=content[start : start + 8] + content[body : body + n_page],
        )
        found.append(frame)
    return found


def _whole(
    frames: list[_Frame], generation: _Sums, sums: _Sums, checksum: _Checksum
) -> tuple[int, _Sums]:
    """Return how many frames SQLite would take, and the checksum of the last of them."""
    for n_whole, frame in enumerate(frames):
        if frame.salts != generation or checksum(sums, frame.summed) != frame.sums:
            return n_whole, sums
        sums = frame.sums
    return len(frames), sums


def _dropped(
    frames: list[_Frame], generation: _Sums, sums: _Sums, checksum: _Checksum
) -> LogDamage | None:
    """Return what the frames mean that SQLite would not take."""
    ours = [frame.salts == generation for frame in frames]
    if not any(frame.commits and own for frame, own in zip(frames, ours, strict=True)):
        # An older log's, or a transaction that never ended.
        return None
    before = {frames[0].sums, checksum(sums, frames[0].summed)}
    for frame, following, own in zip(frames, frames[1:], ours[1:], strict=False):
        continues = own and any(checksum(s, following.summed) == following.sums for s in before)
        if frame.commits and continues:
            return LogDamage.LOST
        before = {following.sums}
    return LogDamage.POSSIBLE


def _checksum(n_bytes: int, *, big: bool) -> _Checksum:
    """Return SQLite's checksum of so many bytes, a multiple of eight.

    For each pair of words: s0 += word + s1; s1 += word + s0, modulo 2^32. That is linear: the
    sums at the end are a product of fixed coefficients with the words and the sums before.
    """
    n_pairs = n_bytes // 8
    # Row k: what s0 and s1 of k pairs earlier give to s0 and to s1.
    powers = np.empty((n_pairs + 1, 4), dtype=np.uint32)
    a, b, c, d = 1, 0, 0, 1
    for power in powers:
        power[:] = a, b, c, d
        a, b, c, d = ((n & 0xFFFFFFFF) for n in (a + b, a + 2 * b, c + d, c + 2 * d))
    at_end = powers[n_pairs]
    to_sums = powers[:n_pairs][::-1]
    # A pair (x, y) adds x to s0, and x + y to s1, before the pairs behind it.
    first = np.stack((to_sums[:, 0] + to_sums[:, 1], to_sums[:, 2] + to_sums[:, 3]))
    second = np.stack((to_sums[:, 1], to_sums[:, 3]))
    order = ">u4" if big else "<u4"

    def total(products: NDArray[np.uint32]) -> int:
        return int(products.sum(dtype=np.uint32))

    def checksum(before: _Sums, content: bytes) -> _Sums:
        words = np.frombuffer(content, dtype=order).astype(np.uint32)
        x, y = words[0::2], words[1::2]
        s0 = total(first[0] * x) + total(second[0] * y)
        s1 = total(first[1] * x) + total(second[1] * y)
        s0 += int(at_end[0]) * before[0] + int(at_end[1]) * before[1]
        s1 += int(at_end[2]) * before[0] + int(at_end[3]) * before[1]
        return s0 & 0xFFFFFFFF, s1 & 0xFFFFFFFF

    return checksum

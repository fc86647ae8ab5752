"""The container of a bundle: the one zip that a list of files can be, and nothing else is read.

Layout: APPNOTE.TXT 6.3.10 (PKWARE). Of all that it allows, this is used: local headers and
contents one after the other, then the central directory, then its end record. Times are
1980-01-01, names ASCII, nothing is encrypted, there are no extra fields, comments, data
descriptors or Zip64 records. So each header byte follows from a file's name, lengths and
CRC, and reading means to compare: links, folders, overlaps and hidden bytes have no spelling.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from appliance.core.errors import BundleRefused
from appliance.core.manifest_json import MAX_FILES, MAX_TOTAL_BYTES, is_file_name

MAX_RATIO: Final = 20
PIECE_BYTES: Final = 1024 * 1024

_STORED: Final = 0
_DEFLATED: Final = 8
_VERSION_NEEDED: Final = 20
# Made by version 2.0 on Unix, so that the upper half of the attributes is a file mode.
_MADE_BY: Final = (3 << 8) | 20
_REGULAR_FILE: Final = 0o100644 << 16
_DOS_1980_01_01: Final = (0 << 9) | (1 << 5) | 1

_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")

# A string: `memoryview` takes a type argument only from Python 3.14 on.
_Bytes: TypeAlias = "memoryview[int]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of a container.

    Attributes:
        offset: of its local header.
        n_packed: bytes it takes in the container.
        n_bytes: its own length, as declared; `contents` believes it only when it is reached.
    """

    name: str
    method: int
    crc: int
    n_packed: int
    n_bytes: int
    offset: int

    @property
    def end(self) -> int:
        """Offset of the byte after its contents."""
        return self.offset + _LOCAL.size + len(self.name) + self.n_packed


def write_container(files: Sequence[tuple[str, bytes]], *, deflate: bool = False) -> bytes:
    """Return the container of these files, in this order.

    Args:
        files: names and contents. The order of a bundle is `manifest.json`, `manifest.sig`,
            `model.onnx`, `card.md`, then the golden recordings by name.
        deflate: packs each file that gets shorter by it. Without it the same files give the
            same bytes wherever they are packed; with it, only for the same zlib.
    """
    body = bytearray()
    members = []
    for name, content in files:
        method, packed = _packed(content, deflate=deflate)
        member = Member(
            name=name,
            method=method,
            crc=zlib.crc32(content),
            n_packed=len(packed),
            n_bytes=len(content),
            offset=len(body),
        )
        body += _local_header(member) + packed
        members.append(member)
    directory = b"".join(_central_header(member) for member in members)
    return bytes(body + directory + _end_record(members, len(directory)))


def read_container(container: _Bytes) -> tuple[Member, ...]:
    """Return the files of a container in their order; no contents are looked at.

    Raises:
        BundleRefused: `container` when it is not the one way to write these files, or
            `container-limits` (more than 64 files, 2 GiB, 20 times the packed length).
    """
    start, n_members = _directory(container)
    members = []
    at = start
    for _ in range(n_members):
        member = _member_at(container, at)
        at += _CENTRAL.size + len(member.name)
        members.append(member)
    _check_places(container, members)
    if container[at:] != _end_record(members, at - start):
        raise _odd("its directory is not all there is between its files and its end")
    _check_limits(members)
    return tuple(members)


def contents(container: _Bytes, member: Member) -> Iterator[bytes]:
    """Yield a file's contents in pieces of at most 1 MiB, never more than was declared.

    Raises:
        BundleRefused: `container`: broken, longer or shorter than declared, or a wrong CRC.
    """
    packed = container[member.end - member.n_packed : member.end]
    pieces = _inflated(packed) if member.method == _DEFLATED else _cut(packed)
    n_bytes, crc = 0, 0
    for piece in pieces:
        n_bytes += len(piece)
        if n_bytes > member.n_bytes:
            raise _odd("a file is longer than declared")
        crc = zlib.crc32(piece, crc)
        yield piece
    if (n_bytes, crc) != (member.n_bytes, member.crc):
        raise _odd("a file differs from its length or CRC")


def _packed(content: bytes, *, deflate: bool) -> tuple[int, bytes]:
    if deflate:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(content) + packer.flush()
        if len(packed) < len(content) <= len(packed) * MAX_RATIO:
            return _DEFLATED, packed
    return _STORED, content


def _local_header(member: Member) -> bytes:
    name = member.name.encode("ascii")
    return (
        _LOCAL.pack(
            b"PK\x03\x04",
            _VERSION_NEEDED,
            0,
            member.method,
            0,
            _DOS_1980_01_01,
            member.crc,
            member.n_packed,
            member.n_bytes,
            len(name),
            0,
        )
        + name
    )


def _central_header(member: Member) -> bytes:
    name = member.name.encode("ascii")
    return (
        _CENTRAL.pack(
            b"PK\x01\x02",
            _MADE_BY,
            _VERSION_NEEDED,
            0,
            member.method,
            0,
            _DOS_1980_01_01,
            member.crc,
            member.n_packed,
            member.n_bytes,
            len(name),
            0,
            0,
            0,
            0,
            _REGULAR_FILE,
            member.offset,
        )
        + name
    )


def _end_record(members: Sequence[Member], n_directory: int) -> bytes:
    start = members[-1].end if members else 0
    n_members = len(members)
    return _END.pack(b"PK\x05\x06", 0, 0, n_members, n_members, n_directory, start, 0)


def _directory(container: _Bytes) -> tuple[int, int]:
    """Return where the central directory begins, and of how many files it claims to be."""
    if len(container) < _END.size:
        raise _odd("it is too short")
    mark, _, _, _, n_members, _, start, _ = _END.unpack_from(container, len(container) - _END.size)
    if mark != b"PK\x05\x06" or start > len(container) - _END.size:
        raise _odd("it has no end record")
    if n_members > MAX_FILES:
        raise _beyond("n_files", n_members, MAX_FILES)
    return start, n_members


def _member_at(container: _Bytes, at: int) -> Member:
    if at + _CENTRAL.size > len(container):
        raise _odd("its directory is cut")
    fields = _CENTRAL.unpack_from(container, at)
    method, crc, n_packed, n_bytes, n_name = fields[4], *fields[7:11]
    raw_name = bytes(container[at + _CENTRAL.size : at + _CENTRAL.size + n_name])
    name = raw_name.decode("ascii", errors="replace")
    if not is_file_name(name):
        raise _odd("a file has a name that is not allowed")
    member = Member(
        name=name, method=method, crc=crc, n_packed=n_packed, n_bytes=n_bytes, offset=fields[-1]
    )
    if method not in {_STORED, _DEFLATED}:
        raise _odd("a file is packed in an unknown way")
    if not _same(container, at, _central_header(member)):
        raise _odd("its directory says more of a file than it may")
    return member


def _check_places(container: _Bytes, members: Sequence[Member]) -> None:
    """Refuse overlaps, gaps, local headers that say something else, and names used twice."""
    at = 0
    for member in members:
        if member.offset != at or not _same(container, at, _local_header(member)):
            raise _odd("a file is not where it must be")
        at = member.end
    if len({member.name for member in members}) != len(members):
        raise _odd("a name occurs twice")


def _check_limits(members: Sequence[Member]) -> None:
    total = sum(member.n_bytes for member in members)
    if total > MAX_TOTAL_BYTES:
        raise _beyond("n_bytes", total, MAX_TOTAL_BYTES)
    for member in members:
        if member.n_bytes > member.n_packed * MAX_RATIO:
            raise _beyond("n_inflated", member.n_bytes, member.n_packed * MAX_RATIO)


def _cut(packed: _Bytes) -> Iterator[bytes]:
    for at in range(0, len(packed), PIECE_BYTES):
        yield bytes(packed[at : at + PIECE_BYTES])


def _inflated(packed: _Bytes) -> Iterator[bytes]:
    """Yield what the packed bytes hold; nothing may follow the end of the stream."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in _cut(packed):
        unpacked = _decompress(unpacker, piece)
        while unpacked:
            yield unpacked
            unpacked = _decompress(unpacker, unpacker.unconsumed_tail)
    if not unpacker.eof or unpacker.unused_data:
        raise _odd("a packed file is cut or has something behind it")


def _decompress(unpacker: zlib._Decompress, waiting: bytes) -> bytes:
    try:
        return unpacker.decompress(waiting, PIECE_BYTES)
    except zlib.error as error:
        raise _odd("a packed file is broken") from error


def _same(container: _Bytes, at: int, expected: bytes) -> bool:
    return container[at : at + len(expected)] == expected


def _odd(message: str) -> BundleRefused:
    return BundleRefused(f"This is not the container of a bundle: {message}.", reason="container")


def _beyond(what: str, found: int, limit: int) -> BundleRefused:
    return BundleRefused(
        f"The container is beyond a limit: {what} is {found}, allowed are {limit}.",
        reason="container-limits",
    )

"""The container of bundles: one way to write it, and nothing else is read."""

from __future__ import annotations

import io
import itertools
import mmap
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.container import PIECE_BYTES, contents, read_container, write_container
from appliance.core.errors import BundleRefused
from appliance.core.manifest_json import MAX_FILES

FILES = [
    ("manifest.json", b'{"name": "loudness"}'),
    ("model.onnx", b"weights " * 40 + bytes(range(256))),
    ("golden/a.wav", b"RIFF"),
]
NAMES = st.from_regex(r"[a-z0-9_-][a-z0-9._-]{0,8}(/[a-z0-9_-][a-z0-9._-]{0,8})?", fullmatch=True)
END_BYTES = 22


def unpacked(container: bytes) -> list[tuple[str, bytes]]:
    """Return the files of a container, read whole."""
    view = memoryview(container)
    return [(m.name, b"".join(contents(view, m))) for m in read_container(view)]


def reason(container: bytes) -> object:
    """Return why a container is refused."""
    with pytest.raises(BundleRefused) as refused:
        unpacked(container)
    return refused.value.details["reason"]


@given(
    files=st.lists(st.tuples(NAMES, st.binary(max_size=400)), max_size=8, unique_by=lambda f: f[0]),
    deflate=st.booleans(),
)
def test_what_was_packed_is_unpacked(files: list[tuple[str, bytes]], deflate: bool) -> None:
    """Names, order and contents survive, packed or not; the same files give the same bytes."""
    container = write_container(files, deflate=deflate)
    assert unpacked(container) == files
    assert write_container(files, deflate=deflate) == container


@pytest.mark.parametrize("deflate", [False, True])
def test_every_zip_reader_reads_it(deflate: bool) -> None:
    """It is a zip: the standard library's reader finds the same, dated 1980."""
    archive = zipfile.ZipFile(io.BytesIO(write_container(FILES, deflate=deflate)))
    assert archive.testzip() is None
    assert [(i.filename, archive.read(i)) for i in archive.infolist()] == FILES
    assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_long_files_come_in_pieces() -> None:
    """No piece is over 1 MiB, packed or not."""
    long = bytes(range(256)) * 4096 * 3
    for deflate in (False, True):
        view = memoryview(write_container([("long", long), ("odd", b"x" * 7)], deflate=deflate))
        pieces = list(contents(view, read_container(view)[0]))
        assert b"".join(pieces) == long
        assert max(map(len, pieces)) <= PIECE_BYTES


def test_each_changed_byte_is_refused() -> None:
    """Headers follow from the files, contents have their CRC: no byte is free."""
    container = write_container(FILES)
    for at, bits in itertools.product(range(len(container)), (0x01, 0x80, 0xFF)):
        changed = bytearray(container)
        changed[at] ^= bits
        assert reason(bytes(changed)) in {"container", "container-limits"}, (at, bits)


@pytest.mark.parametrize("n_claimed", [0, 1, 2, 4, 5, 64])
def test_the_directory_holds_as_many_files_as_it_claims(n_claimed: int) -> None:
    """Neither fewer nor more than the three that are there."""
    container = bytearray(write_container(FILES))
    struct.pack_into("<HH", container, len(container) - 14, n_claimed, n_claimed)
    assert reason(bytes(container)) == "container"


def test_only_two_ways_of_packing_are_known() -> None:
    """Others are refused though both headers agree on them, even where the bytes are plain."""
    for method in (1, 9, 12, 14, 93, 99):
        container = bytearray(write_container([("a", b"plain")]))
        struct.pack_into("<H", container, 8, method)
        struct.pack_into("<H", container, container.index(b"PK\x01\x02") + 10, method)
        assert reason(bytes(container)) == "container"


def test_each_truncation_is_refused() -> None:
    """Cut anywhere, it is no container."""
    container = write_container(FILES)
    assert {reason(container[:end]) for end in range(len(container))} == {"container"}


@given(st.binary(min_size=1, max_size=60))
def test_nothing_may_be_added(extra: bytes) -> None:
    """Neither before nor behind, nor between files and directory."""
    container = write_container(FILES)
    assert reason(container + extra) == "container"
    assert reason(extra + container) == "container"
    (start,) = struct.unpack_from("<I", container, len(container) - 6)
    moved = container[:start] + extra + container[start:-6]
    moved += struct.pack("<IH", start + len(extra), 0)
    assert reason(moved) == "container"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(content: bytes) -> None:
    """What is no container is refused by name."""
    assert reason(content + b"x") == "container"


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "a/../x", "golden/", "Model.onnx", "caf\u00e9", ".x", "a//b", "", "x" * 65],
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    """Also where the zip is made by another tool."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    assert reason(made.getvalue()) == "container"


@pytest.mark.parametrize(
    ("change", "mode"),
    [
        ("symlink", 0o120777),
        ("fifo", 0o010644),
        ("device", 0o060644),
        ("folder", 0o040755),
        ("setuid", 0o104755),
    ],
)
def test_only_regular_files_can_be_spelled(change: str, mode: int) -> None:
    """A link, a device or a folder differs in its attributes, and those are fixed."""
    del change
    container = bytearray(write_container([("a", b"target")]))
    at = container.index(b"PK\x01\x02") + 38
    assert struct.unpack_from("<I", container, at) == (0o100644 << 16,)
    struct.pack_into("<I", container, at, mode << 16)
    assert reason(bytes(container)) == "container"


@pytest.mark.parametrize("offset", [6, 8])
def test_encryption_and_data_descriptors_are_refused(offset: int) -> None:
    """Flags are zero, in the local header (at 6) and in the directory (at 8)."""
    mark = b"PK\x03\x04" if offset == 6 else b"PK\x01\x02"
    for flags in (0x0001, 0x0008, 0x0800):
        container = bytearray(write_container(FILES))
        struct.pack_into("<H", container, container.index(mark) + offset, flags)
        assert reason(bytes(container)) == "container"


def test_a_name_occurs_once() -> None:
    """Two files of one name: readers would differ in which they believe."""
    assert reason(write_container([("a", b"1"), ("a", b"2")])) == "container"


def test_files_cannot_share_their_bytes() -> None:
    """An overlap, as a hard link within the zip would be, is refused."""
    container = bytearray(write_container([("a", b"same"), ("b", b"same")]))
    second = container.rindex(b"PK\x01\x02")
    struct.pack_into("<I", container, second + 42, 0)
    assert reason(bytes(container)) == "container"


def test_too_many_files_are_refused() -> None:
    """64 are read, 65 are not, and a claim of 65,535 costs nothing."""
    files = [(f"f{number}", b"") for number in range(MAX_FILES + 1)]
    assert len(unpacked(write_container(files[:-1]))) == MAX_FILES
    assert reason(write_container(files)) == "container-limits"
    claimed = bytearray(write_container(FILES))
    struct.pack_into("<HH", claimed, len(claimed) - 14, 65_535, 65_535)
    assert reason(bytes(claimed)) == "container-limits"


def deflated_as(packed: bytes, *, n_bytes: int, crc: int) -> bytes:
    """Return a container of one file `a`, packed so, that declares this length and CRC."""
    container = bytearray(write_container([("a", packed)]))
    directory = container.rindex(b"PK\x01\x02")
    for at in (8, directory + 10):
        struct.pack_into("<H", container, at, 8)
    for at in (14, directory + 16):
        struct.pack_into("<III", container, at, crc, len(packed), n_bytes)
    return bytes(container)


def deflated(content: bytes) -> bytes:
    """Return a raw deflate stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def test_a_bomb_is_refused_before_it_bursts() -> None:
    """A thousandfold is refused by what it declares, or, when it lies, once it is passed."""
    zeros = bytes(64 * PIECE_BYTES)
    packed, crc = deflated(zeros), zlib.crc32(zeros)
    honest = deflated_as(packed, n_bytes=len(zeros), crc=crc)
    assert reason(honest) == "container-limits"
    lying = deflated_as(packed, n_bytes=len(packed) * 20, crc=crc)
    view = memoryview(lying)
    (member,) = read_container(view)
    pieces: list[bytes] = []
    with pytest.raises(BundleRefused):
        pieces.extend(contents(view, member))
    assert sum(map(len, pieces)) <= member.n_bytes


def test_two_gigabytes_are_too_much() -> None:
    """Also where no file is over its ratio; nothing is unpacked to find out."""
    n_packed = 2 * 1024**3 // 20 + 1
    small = write_container([("a", b"")])
    local, directory = bytearray(small[:31]), bytearray(small[31:])
    for header, at in ((local, 14), (directory, 16)):
        struct.pack_into("<III", header, at, 0, n_packed, n_packed * 20)
    for header, at in ((local, 8), (directory, 10)):
        struct.pack_into("<H", header, at, 8)
    struct.pack_into("<I", directory, len(directory) - 6, len(local) + n_packed)
    pages = mmap.mmap(-1, len(local) + n_packed + len(directory))
    pages[: len(local)] = bytes(local)
    pages[-len(directory) :] = bytes(directory)
    with pytest.raises(BundleRefused) as refused:
        read_container(memoryview(pages))
    assert refused.value.details["reason"] == "container-limits"


def test_a_packed_file_is_what_it_declares() -> None:
    """Not shorter, not cut, with nothing behind it, with its CRC, and really packed."""
    content = bytes(range(150)) * 4
    packed, crc = deflated(content), zlib.crc32(content)
    good = {"n_bytes": len(content), "crc": crc}
    assert unpacked(deflated_as(packed, **good)) == [("a", content)]
    for bad in (
        deflated_as(packed, n_bytes=len(content) + 1, crc=crc),
        deflated_as(packed, n_bytes=len(content) - 1, crc=crc),
        deflated_as(packed, n_bytes=len(content), crc=crc ^ 1),
        deflated_as(packed[:-1], **good),
        deflated_as(packed + b"\0", **good),
        deflated_as(content, n_bytes=len(content), crc=crc),
    ):
        assert reason(bad) == "container"


def test_what_shrinks_too_well_is_stored() -> None:
    """The writer never makes what the reader refuses."""
    zeros = bytes(100_000)
    assert unpacked(write_container([("a", zeros)], deflate=True)) == [("a", zeros)]


def test_the_directory_matches_the_local_headers() -> None:
    """A local header that says something else than the directory is refused, field by field."""
    container = write_container([("name", b"content")])
    for at in itertools.chain(range(4, 30), range(30, 34)):
        changed = bytearray(container)
        changed[at] ^= 1
        assert reason(bytes(changed)) == "container"

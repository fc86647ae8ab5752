"""Archives that harm who unpacks them, made with the tools that people use for that."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from appliance.core.container import write_container
from tests.bundle_builders import a_bundle, a_manifest, bundle_files, packed

MEBIBYTE: Final = 1024 * 1024
N_ENTRIES: Final = 1_000_000


def _zipped(
    *entries: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_STORED
) -> bytes:
    """Return a valid bundle's files and these, as another zip program writes them."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for info in zipfile.ZipFile(io.BytesIO(a_bundle())).infolist():
            archive.writestr(zipfile.ZipInfo(info.filename), b"x")
        for name, content in entries:
            archive.writestr(name, content)
    return made.getvalue()


def _with_mode(mode: int) -> bytes:
    info = zipfile.ZipInfo("weights")
    info.create_system = 3
    info.external_attr = mode << 16
    return _zipped((info, b"../../records.db"))


def _duplicate() -> bytes:
    made = [
        ("manifest.json", b"{}"),
        ("manifest.sig", bytes(64)),
        ("card.md", b"a"),
        ("card.md", b"b"),
    ]
    return write_container(made)


def _tar(kind: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        link = tarfile.TarInfo("model.onnx")
        link.type, link.linkname = kind, "/etc/passwd"
        archive.addfile(link)
    return made.getvalue()


def _million() -> bytes:
    """Return a million empty files in two records each, the way Zip64 writes them."""
    name = b"%07d"
    local = b"".join(
        struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 7, 0) + name % n
        for n in range(N_ENTRIES)
    )
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF, 0)
    return local + end


def _bomb(declared: int | None = None) -> bytes:
    """Return a thousandfold deflated file; `declared` lies about its length."""
    zeros = bytes(64 * MEBIBYTE)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    tiny = packer.compress(zeros) + packer.flush()
    made = bytearray(write_container([("manifest.json", tiny)]))
    directory = made.rindex(b"PK\1\2")
    for at in (8, directory + 10):
        struct.pack_into("<H", made, at, 8)
    for at in (14, directory + 16):
        size = len(zeros) if declared is None else len(tiny) * declared
        struct.pack_into("<III", made, at, zlib.crc32(zeros), len(tiny), size)
    return bytes(made)


def _lying_bomb() -> bytes:
    """Return one whose manifest bursts past what it declares, a signature behind it."""
    manifest = bytes(MEBIBYTE)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    tiny = packer.compress(manifest) + packer.flush()
    made = bytearray(write_container([("manifest.json", tiny), ("manifest.sig", bytes(64))]))
    directory = made.index(b"PK\1\2")
    for at in (8, directory + 10):
        struct.pack_into("<H", made, at, 8)
    for at in (14, directory + 16):
        struct.pack_into("<III", made, at, 0, len(tiny), len(tiny) * 20)
    return bytes(made)


def _with(**files: bytes) -> bytes:
    """Return a bundle with more in it than its signed manifest names."""
    more = {name.replace("_", "."): content for name, content in files.items()}
    manifest = a_manifest()
    return a_bundle(manifest, files={**bundle_files(), **more})


PICKLE: Final = b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x02os\x94."

ARCHIVES: Final[Mapping[str, tuple[Callable[[], bytes], str]]] = {
    "empty": (lambda: b"", "bundle-refused: container"),
    "no archive": (lambda: b"spira" * 100, "bundle-refused: container"),
    "parent": (lambda: _zipped(("../../escaped", b"x")), "bundle-refused: container"),
    "absolute": (lambda: _zipped(("/tmp/escaped", b"x")), "bundle-refused: container"),  # noqa: S108
    "backslash": (lambda: _zipped(("..\\escaped", b"x")), "bundle-refused: container"),
    "symlink": (lambda: _with_mode(stat.S_IFLNK | 0o777), "bundle-refused: container"),
    "device": (lambda: _with_mode(stat.S_IFBLK | 0o666), "bundle-refused: container"),
    "pipe": (lambda: _with_mode(stat.S_IFIFO | 0o666), "bundle-refused: container"),
    "folder": (lambda: _with_mode(stat.S_IFDIR | 0o755), "bundle-refused: container"),
    "hard link": (lambda: _tar(tarfile.LNKTYPE), "bundle-refused: container"),
    "tar device": (lambda: _tar(tarfile.CHRTYPE), "bundle-refused: container"),
    "duplicate names": (_duplicate, "bundle-refused: container"),
    "case collision": (lambda: _zipped(("Model.onnx", b"x")), "bundle-refused: container"),
    "million entries": (_million, "bundle-refused: container"),
    "65 entries": (
        lambda: write_container([(f"f{n}", b"") for n in range(65)]),
        "bundle-refused: container-limits",
    ),
    "bomb": (_bomb, "bundle-refused: container-limits"),
    "lying bomb": (_lying_bomb, "bundle-refused: container"),
    "pickle beside": (lambda: _with(model_pkl=PICKLE), "bundle-refused: files"),
    "joblib beside": (lambda: _with(model_joblib=PICKLE), "bundle-refused: files"),
    "torch beside": (lambda: _with(model_pt=PICKLE), "bundle-refused: files"),
    "unsigned": (
        lambda: write_container([("model.onnx", b"x")]),
        "bundle-untrusted: signature",
    ),
    "empty manifest": (
        lambda: packed(b"", bundle_files(), manifest=a_manifest()),
        "bundle-refused: manifest-malformed",
    ),
    "deep manifest": (
        lambda: packed(b"[" * 100_000, bundle_files(), manifest=a_manifest()),
        "bundle-refused: manifest-malformed",
    ),
}
"""How each is made, and the name by which it must be refused."""

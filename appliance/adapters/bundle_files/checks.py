"""What a bundle has to pass, in the order of BUNDLE.md: signature, manifest, hashes, graph."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from appliance.adapters.bundle_files.disk import Bytes, mapped, read_back, write_new, writing
from appliance.core.bundle import (
    BundleContents,
    check_card,
    check_file_order,
    check_golden_recording,
)
from appliance.core.container import Member, contents, read_container
from appliance.core.errors import BundleRefused, BundleUntrusted, ModelUnavailable
from appliance.core.manifest import (
    CARD_NAME,
    GOLDEN_PREFIX,
    GRAPH_NAME,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Manifest,
)
from appliance.core.manifest_json import MAX_MANIFEST_BYTES, parse_manifest
from appliance.core.onnx_graph import check_graph, inspect_graph
from appliance.core.signing_key import N_SIGNATURE_BYTES, TrustedKey

Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""(public key, content, signature) -> whether the key's owner signed the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """The trust a box puts into bundles.

    Attributes:
        keys: whose signatures count.
        never_to_model: fields that no bundle may take as an input.
        verify: checks a signature.
    """

    keys: Sequence[TrustedKey]
    never_to_model: Collection[str]
    verify: Verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentic:
    """A manifest that was signed by a key allowed to, and the exact bytes that were signed."""

    manifest: Manifest
    manifest_bytes: bytes
    key_fingerprint: str


def unpack(copy: Path, tree: Path, believed: Believed) -> Authentic:
    """Check a copied bundle whole, unpacking its files into a new directory on the way.

    Nothing but the container's headers is looked at before the signature holds.

    Raises:
        BundleUntrusted, BundleRefused, GraphRefused, DiskFull, StorageFailed.
    """
    container = mapped(copy)
    members = read_container(container)
    authentic = _authentic(container, members, believed)
    check_file_order([member.name for member in members], authentic.manifest)
    _extract(container, members, tree, authentic.manifest)
    check_card(read_back(tree / CARD_NAME))
    for name in authentic.manifest.files:
        if name.startswith(GOLDEN_PREFIX):
            check_golden_recording(name, read_back(tree / name))
    check_graph(inspect_graph(mapped(tree / GRAPH_NAME)), authentic.manifest)
    return authentic


def read_installed(directory: Path, digest: str) -> BundleContents:
    """Return what an unpacked bundle holds. Raises ModelUnavailable if a byte is not as signed."""
    manifest = read_manifest(directory, digest)
    files = {name: read_file(directory, name, manifest) for name in manifest.files}
    golden = {name: body for name, body in files.items() if name.startswith(GOLDEN_PREFIX)}
    return BundleContents(manifest=manifest, graph=files[GRAPH_NAME], golden=golden)


def read_manifest(directory: Path, digest: str) -> Manifest:
    """Return the manifest of an unpacked bundle. Raises ModelUnavailable."""
    raw = _read(directory / MANIFEST_NAME, digest)
    if hashlib.sha256(raw).hexdigest() != digest:
        raise ModelUnavailable(digest=digest, file=MANIFEST_NAME, reason="damaged")
    return parse_manifest(raw)


def is_signed(directory: Path, trusted: Sequence[TrustedKey], verify: Verify) -> bool:
    """Return whether one of the keys signed the manifest as it is. Raises ModelUnavailable."""
    raw = _read(directory / MANIFEST_NAME, directory.name)
    signature = _read(directory / SIGNATURE_NAME, directory.name)
    return any(verify(key.public_key, raw, signature) for key in trusted)


def read_file(directory: Path, name: str, manifest: Manifest) -> bytes:
    """Return a file of an unpacked bundle. Raises ModelUnavailable."""
    expected = manifest.files[name].sha256
    content = _read(directory / name, expected)
    if hashlib.sha256(content).hexdigest() != expected:
        raise ModelUnavailable(file=name, reason="damaged", sha256=expected)
    return content


def _authentic(container: Bytes, members: Sequence[Member], believed: Believed) -> Authentic:
    raw, signature = _signed_part(container, members)
    signers = [key for key in believed.keys if believed.verify(key.public_key, raw, signature)]
    if not signers:
        raise BundleUntrusted(reason="signature")
    manifest = parse_manifest(raw, believed.never_to_model)
    for key in signers:
        if key.may_sign(demonstration=manifest.demonstration):
            return Authentic(manifest=manifest, manifest_bytes=raw, key_fingerprint=key.fingerprint)
    raise BundleUntrusted(
        "A demonstration key signed what is not for demonstration.",
        reason="key-scope",
        fingerprint=signers[0].fingerprint,
    )


def _signed_part(container: Bytes, members: Sequence[Member]) -> tuple[bytes, bytes]:
    """Return the manifest and its signature, which come first and are short."""
    head = members[:2]
    if [member.name for member in head] != [MANIFEST_NAME, SIGNATURE_NAME]:
        raise BundleUntrusted("It does not begin with a signed manifest.", reason="signature")
    limits = (MAX_MANIFEST_BYTES, N_SIGNATURE_BYTES)
    if any(member.n_bytes > limit for member, limit in zip(head, limits, strict=True)):
        raise BundleUntrusted("Its manifest or signature is too long.", reason="signature")
    manifest, signature = (b"".join(contents(container, member)) for member in head)
    return manifest, signature


def _extract(container: Bytes, members: Sequence[Member], tree: Path, manifest: Manifest) -> None:
    """Write the files, whose names the container's reader allowed, and compare their hashes."""
    with writing():
        tree.mkdir(mode=0o700)
        for name in manifest.files:
            (tree / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for member in members:
        digest = hashlib.sha256()
        entry = manifest.files.get(member.name)
        if entry is not None and member.n_bytes != entry.n_bytes:
            raise _wrong_file(member.name)
        write_new(tree / member.name, _hashed(contents(container, member), digest.update))
        if entry is not None and digest.hexdigest() != entry.sha256:
            raise _wrong_file(member.name)


def _hashed(pieces: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for piece in pieces:
        update(piece)
        yield piece


def _wrong_file(name: str) -> BundleRefused:
    return BundleRefused("A file is not the one that was signed.", reason="file-digest", file=name)


def _read(path: Path, sha256: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(
            file=path.name, reason="missing", sha256=sha256, errno=error.errno
        ) from error

"""Bundles that somebody signed, each with one thing in it that no box may take."""

from __future__ import annotations

import random
from pathlib import Path

from appliance.adapters.ed25519_signatures import public_half
from appliance.core.container import contents, read_container, write_container
from tests.bundle_builders import (
    Author,
    a_bundle,
    a_document,
    a_manifest,
    bundle_files,
    document_bytes,
    entries_of,
    one_role_bundle,
    packed,
)


def flipped(content: bytes, chance: random.Random) -> bytes:
    """Return the content with one bit turned, anywhere."""
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flipped_within(bundle: bytes, chance: random.Random) -> bytes:
    """Return the bundle with one bit of a file turned, and packed anew: no checksum tells of it."""
    view = memoryview(bundle)
    files = {member.name: b"".join(contents(view, member)) for member in read_container(view)}
    name = chance.choice(sorted(files))
    return write_container([*{**files, name: flipped(files[name], chance)}.items()])


def signed(changed: dict[str, bytes]) -> bytes:
    """Return a bundle whose author signed these files."""
    files = {**bundle_files(), **changed}
    return a_bundle(a_manifest(files=entries_of(files)), files=files)


def with_graph(graph: bytes) -> bytes:
    """Return a bundle whose author signed this graph."""
    return signed({"model.onnx": graph})


def told_the_label(label: str) -> bytes:
    """Return a bundle whose model wants to be told the label."""
    told = {"field": label, "encoding": "number", "missing": 0.0}
    raw = document_bytes(a_document(metadata=[told]))
    return packed(raw, bundle_files(), manifest=a_manifest())


def loud(graph: str) -> bytes:
    """Return a bundle whose golden recording is loud, which these graphs wait for."""
    return one_role_bundle(
        graph, amplitude=0.75, control_flow=("Loop",) if graph == "endless" else ()
    )


def newer(sequence: int, *, version: str) -> bytes:
    """Return another bundle of the clinical model."""
    manifest = a_manifest(
        name="clinical", version=version, sequence=sequence, limits="None.", demonstration=False
    )
    return a_bundle(manifest)


def everybody() -> Author:
    """Return whoever has the private half of the demonstration key: everybody."""
    root = Path(__file__).parents[2]
    private = (root / "models" / "demonstration" / "demonstration.key").read_bytes()
    return Author(private, public_half(private))

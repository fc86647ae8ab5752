"""What goes into a bundle before it is signed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.core.manifest import FileEntry, Manifest
from models.parity import Parity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contents:
    """The manifest, the files it names, and how close graph and model were proved to be."""

    manifest: Manifest
    files: Mapping[str, bytes]
    parity: Parity


def entries(files: Mapping[str, bytes]) -> dict[str, FileEntry]:
    """Return length and digest of each file, as a manifest names them."""
    return {
        name: FileEntry(n_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    }

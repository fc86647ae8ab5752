"""A model is opened: as its bundle holds it, or would if it were packed now."""

from __future__ import annotations

import hashlib
from pathlib import Path

from appliance.core.bundle import check_file_order
from appliance.core.container import contents, read_container
from appliance.core.errors import BundleRefused, FileMissing
from appliance.core.manifest import GRAPH_NAME, MANIFEST_NAME
from appliance.core.manifest_json import parse_manifest
from models.evaluation.opened import OpenedModel
from models.pack import unsigned_contents
from models.progress import Progress


def open_model(path: Path, *, progress: Progress) -> OpenedModel:
    """Return the model of a model directory, or of a bundle.

    A bundle's lengths and digests are checked; who signed it is for the box to ask.

    Raises:
        FileMissing, InvalidRequest, ModelSourceUnavailable: an ingredient is absent or malformed.
        BundleRefused: the bundle is damaged or breaks a rule.
    """
    if path.is_dir():
        found = unsigned_contents(path, proved=False, progress=progress)
        return OpenedModel(manifest=found.manifest, graph=found.files[GRAPH_NAME], directory=path)
    try:
        container = memoryview(path.read_bytes())
    except OSError as error:
        raise FileMissing(f"{path} does not exist or cannot be read.") from error
    members = read_container(container)
    files = {one.name: b"".join(contents(container, one)) for one in members}
    manifest = parse_manifest(files.get(MANIFEST_NAME, b""))
    check_file_order([one.name for one in members], manifest)
    for name, entry in manifest.files.items():
        if hashlib.sha256(files[name]).hexdigest() != entry.sha256:
            raise BundleRefused("A file is not that of the manifest.", reason="hash", file=name)
    return OpenedModel(manifest=manifest, graph=files[GRAPH_NAME], directory=None)

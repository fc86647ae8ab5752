"""A model to be evaluated: what of it the box would run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.core.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedModel:
    """A model as the box would run it.

    Attributes:
        manifest: thresholds, roles and population are its.
        graph: bytes of the ONNX file.
        directory: where its evaluation is kept; None for a bundle, which is signed and stays.
    """

    manifest: Manifest
    graph: bytes
    directory: Path | None

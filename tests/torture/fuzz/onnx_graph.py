"""Any bytes as a graph: a summary of it, or a refusal by name."""

from __future__ import annotations

from typing import Final

from appliance.core.errors import GraphRefused
from appliance.core.onnx_graph import check_graph, inspect_graph
from tests.bundle_builders import a_manifest
from tests.torture.fuzz.known import hold_to

MANIFEST: Final = a_manifest(control_flow=("Loop", "Scan"))
REASONS: Final = frozenset(
    {
        *("not-onnx", "too-deep", "too-many-fields", "external-data", "functions"),
        *("training-info", "device-configuration", "segments", "opset", "domain", "operator"),
        *("control-flow", "inputs", "outputs"),
    }
)


def one(content: bytes) -> None:
    """Walk it whole and hold it to a manifest."""
    try:
        check_graph(inspect_graph(content), MANIFEST)
    except GraphRefused as refusal:
        hold_to(refusal, REASONS)

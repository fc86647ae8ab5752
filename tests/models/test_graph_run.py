"""The lab's run of a graph, where torch is not needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

RUN = """
import sys
from models.graph_run import GraphRun
from tests.bundle_builders import graph_bytes
GraphRun(graph_bytes(), ["sustentada", "parlenda", "frase"])
assert "onnxruntime" in sys.modules
"""


def test_it_leaves_no_trace_at_home(tmp_path: Path) -> None:
    """ONNX Runtime's telemetry is off in the lab, too: it would write a device id below HOME."""
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG"}}

    subprocess.run(
        [sys.executable, "-c", RUN],
        check=True,
        cwd=Path(__file__).parents[2],
        env={**environment, "HOME": str(tmp_path)},
    )

    assert list(tmp_path.rglob("*")) == []

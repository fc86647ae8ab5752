"""The one place of the lab where ONNX Runtime is imported, with its telemetry off.

Read by the runtime while it is imported; `disable_telemetry_events()` would come too late.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

__all__ = ["onnxruntime", "onnxruntime_pybind11_state"]

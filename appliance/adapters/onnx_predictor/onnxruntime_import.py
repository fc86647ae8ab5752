"""The one place of the box where ONNX Runtime is imported, with its telemetry off.

The Linux wheel of 1.32 reports its use: it looks up a host of its maker and writes a device id
below `~/.cache`, beginning with its import. `disable_telemetry_events()` comes too late for that.
"""

from __future__ import annotations

import os

# Whatever the environment says: nothing of a hospital's box leaves it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

__all__ = ["onnxruntime", "onnxruntime_pybind11_state"]

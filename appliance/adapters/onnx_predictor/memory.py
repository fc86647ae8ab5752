"""How much memory graphs may take: one budget for all sessions and runs of a process.

Without it a graph that asks for more than the machine has is not refused: the kernel gives it
the memory, and then ends whichever process it finds largest.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from appliance.adapters.onnx_predictor.onnxruntime_import import onnxruntime as ort

GRAPH_MEMORY_BYTES: Final = 3 * 1024**3
"""Two runs at once of the demonstration's graph on six minutes of voice each take 1.9 GB."""

_AS_REQUESTED: Final = 1


@cache
def limit_memory() -> None:
    """Let the sessions of this process share one budget; each then has to ask for it.

    What is asked for beyond it fails with an error, and whoever else runs goes on.
    """
    everywhere = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    budget = ort.OrtArenaCfg(
        {"max_mem": GRAPH_MEMORY_BYTES, "arena_extend_strategy": _AS_REQUESTED}
    )
    ort.create_and_register_allocator(everywhere, budget)

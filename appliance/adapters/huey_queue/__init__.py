"""The queue that wakes workers: Huey on a SQLite file that may be lost at any time."""

from pathlib import Path

from appliance.adapters.huey_queue.queue import FILE_NAME, HueyQueue
from appliance.adapters.huey_queue.storage import is_usable

__all__ = ["HueyQueue", "is_queue_usable"]


def is_queue_usable(directory: Path) -> bool:
    """Return whether the queue of a data directory is absent, sound or just busy."""
    return is_usable(directory / FILE_NAME)

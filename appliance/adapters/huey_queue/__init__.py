"""The queue that wakes workers: Huey on a SQLite file that may be lost at any time."""

from appliance.adapters.huey_queue.queue import HueyQueue

__all__ = ["HueyQueue"]

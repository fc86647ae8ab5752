"""Recordings as files on disk."""

from __future__ import annotations

from appliance.adapters.audio_files.disk import Disk
from appliance.adapters.audio_files.store import AudioFiles

__all__ = ["AudioFiles", "Disk"]

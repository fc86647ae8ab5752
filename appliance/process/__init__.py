"""The serving process: its sockets, its signals, whom it lets in, and how it ends."""

from __future__ import annotations

from appliance.process.connection import Limits
from appliance.process.descriptors import allow_descriptors
from appliance.process.serving import INTERRUPTED, listening_sockets, serve

__all__ = ["INTERRUPTED", "Limits", "allow_descriptors", "listening_sockets", "serve"]

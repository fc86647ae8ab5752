"""Protocols as this release ships them: what their forms ask, and when a recording is too bad."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import appliance
from appliance.core.protocol import Protocol, parse_protocol

_PROTOCOLS: Final = Path(appliance.__file__).parent / "protocols"


def shipped_protocol(protocol_ids: Iterable[str]) -> Protocol | None:
    """Return the first of these protocols that is here; None where none is."""
    for protocol_id in protocol_ids:
        path = _PROTOCOLS / f"{protocol_id}.json"
        if path.is_file():
            return parse_protocol(path.read_bytes())
    return None

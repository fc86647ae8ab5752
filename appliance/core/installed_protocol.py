"""A protocol document as it stands in the box: exact bytes, digest, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.core.ids import ProtocolId, Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledProtocol:
    """One installed document. Immutable; `active` says that new work begins under it.

    Attributes:
        document: the exact bytes, over which `sha256` was taken.
    """

    id: ProtocolId
    sha256: Sha256
    title: str
    document: bytes
    active: bool
    installed_at: datetime

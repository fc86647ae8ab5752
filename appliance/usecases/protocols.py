"""Protocols: what is installed, parsed once a document."""

from __future__ import annotations

from functools import lru_cache

from appliance.core.audit import AuditAction, audited
from appliance.core.ids import ProtocolId
from appliance.core.installed_protocol import InstalledProtocol
from appliance.core.protocol import Protocol, parse_protocol
from appliance.ports import Clock, ProtocolRecords, Stored


def parsed(installed: InstalledProtocol) -> Protocol:
    """Return the parsed document.

    Raises:
        ProtocolInvalid: the stored document is not valid for this release.
    """
    return _parsed(installed.document)


@lru_cache(maxsize=32)
def _parsed(document: bytes) -> Protocol:
    return parse_protocol(document)


def install_protocol(
    document: bytes, *, actor: str, clock: Clock, protocols: ProtocolRecords
) -> tuple[Protocol, Stored]:
    """Check a document whole and install it; the first one becomes active.

    Raises:
        ProtocolInvalid: naming every fault.
        ProtocolConflict: its id is installed with other content.
    """
    protocol = parse_protocol(document)
    now = clock()
    stored = protocols.install(
        InstalledProtocol(
            id=ProtocolId(protocol.id),
            sha256=protocol.sha256,
            title=protocol.title,
            document=document,
            active=False,
            installed_at=now,
        ),
        audit=audited(
            AuditAction.PROTOCOL_INSTALLED,
            protocol.id,
            at=now,
            actor=actor,
            sha256=protocol.sha256,
        ),
    )
    return protocol, stored


def activate_protocol(
    protocol_id: ProtocolId, *, actor: str, clock: Clock, protocols: ProtocolRecords
) -> None:
    """Let new work begin under an installed protocol; older ones stay valid for theirs.

    Raises:
        ProtocolNotFound: it is not installed.
    """
    protocols.activate_protocol(
        protocol_id,
        audit=audited(AuditAction.PROTOCOL_ACTIVATED, protocol_id, at=clock(), actor=actor),
    )

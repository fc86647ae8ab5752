"""What every filler of ProtocolRecords promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.errors import ProtocolConflict, ProtocolNotFound
from appliance.core.ids import ProtocolId
from appliance.ports import Stored
from tests.builders import an_audit, an_installed_protocol, digest_of, later
from tests.contracts.records import Records, n_audited

SECOND = an_installed_protocol(id=ProtocolId("protocol-2"), installed_at=later(1), active=False)


def test_the_first_protocol_is_active(records: Records) -> None:
    """Whoever installs does not say so; the next one waits to be activated."""
    first = replace(an_installed_protocol(), active=False)
    assert records.protocols.install(first, audit=an_audit()) is Stored.NEW
    assert records.protocols.install(replace(SECOND, active=True), audit=an_audit()) is Stored.NEW
    assert records.protocols.protocols() == (an_installed_protocol(), SECOND)
    assert records.protocols.active_protocol() == an_installed_protocol()
    assert records.protocols.protocol(SECOND.id) == SECOND


def test_installing_again_changes_nothing(records: Records) -> None:
    """The same document is the same answer, without an audit row."""
    records.protocols.install(an_installed_protocol(), audit=an_audit())
    again = replace(an_installed_protocol(), installed_at=later(60), title="Another")
    assert records.protocols.install(again, audit=an_audit()) is Stored.SAME
    assert records.protocols.protocols() == (an_installed_protocol(),)
    assert n_audited(records) == 1


def test_an_id_never_gets_another_document(records: Records) -> None:
    """Installed protocols never change."""
    records.protocols.install(an_installed_protocol(), audit=an_audit())
    other = replace(an_installed_protocol(), sha256=digest_of("[]"), document=b"[]")
    with pytest.raises(ProtocolConflict):
        records.protocols.install(other, audit=an_audit())
    assert records.protocols.protocols() == (an_installed_protocol(),)


def test_one_protocol_is_active(records: Records) -> None:
    """Activating one ends the other; doing it twice is doing it once."""
    records.protocols.install(an_installed_protocol(), audit=an_audit())
    records.protocols.install(SECOND, audit=an_audit())
    for _ in range(2):
        records.protocols.activate_protocol(SECOND.id, audit=an_audit())
        assert [p.active for p in records.protocols.protocols()] == [False, True]
    assert records.protocols.active_protocol().id == SECOND.id


def test_an_unknown_protocol_is_missing(records: Records) -> None:
    """None is active before one is installed, and none is activated that is not here."""
    with pytest.raises(ProtocolNotFound):
        records.protocols.active_protocol()
    with pytest.raises(ProtocolNotFound):
        records.protocols.protocol(SECOND.id)
    with pytest.raises(ProtocolNotFound):
        records.protocols.activate_protocol(SECOND.id, audit=an_audit())

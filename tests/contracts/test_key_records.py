"""What every filler of KeyRecords promises."""

from __future__ import annotations

import pytest

from appliance.core.errors import ContentConflict, KeyNotFound, KeyRevoked
from appliance.core.signing_key import KeyScope
from appliance.ports import Stored
from tests.builders import a_trusted_key, an_audit
from tests.contracts.records import Records, n_audited

KEY = a_trusted_key()


def test_a_key_comes_back_as_added(records: Records) -> None:
    """Keys are listed by name; trusting one again changes nothing."""
    other = a_trusted_key(public_key=b"\x01" * 32, name="Box", scope=KeyScope.DEMONSTRATION)
    assert records.keys.add_key(KEY, audit=an_audit()) is Stored.NEW
    assert records.keys.add_key(other, audit=an_audit()) is Stored.NEW
    assert records.keys.add_key(KEY, audit=an_audit()) is Stored.SAME
    assert records.keys.keys() == (other, KEY)
    assert n_audited(records) == 2


def test_a_key_never_gets_another_scope_by_being_added_again(records: Records) -> None:
    """A demonstration key becomes clinical by no accident."""
    records.keys.add_key(a_trusted_key(scope=KeyScope.DEMONSTRATION), audit=an_audit())
    with pytest.raises(ContentConflict):
        records.keys.add_key(KEY, audit=an_audit())
    assert records.keys.keys() == (a_trusted_key(scope=KeyScope.DEMONSTRATION),)


def test_a_revoked_key_never_comes_back(records: Records) -> None:
    """It is gone from the list, and refused from then on."""
    records.keys.add_key(KEY, audit=an_audit())
    records.keys.revoke_key(KEY.fingerprint, audit=an_audit())
    records.keys.revoke_key(KEY.fingerprint, audit=an_audit())
    assert records.keys.keys() == ()
    with pytest.raises(KeyRevoked):
        records.keys.add_key(KEY, audit=an_audit())
    assert n_audited(records) == 2


def test_an_unknown_key_cannot_be_revoked(records: Records) -> None:
    """A mistyped fingerprint says so."""
    with pytest.raises(KeyNotFound):
        records.keys.revoke_key(KEY.fingerprint, audit=an_audit())

"""What every filler of EnvelopeRecords promises."""

from __future__ import annotations

import pytest

from appliance.core.envelope import ItemKind, Receipt
from appliance.core.errors import ContentConflict
from appliance.core.ids import Sha256, UserId
from appliance.ports import Stored
from tests.builders import NOON, an_audit, digest_of
from tests.contracts.records import Records, n_audited

USER = UserId("user-1")


def add(
    records: Records, item_id: str, content: str = "x", kind: ItemKind = ItemKind.RECORDING
) -> tuple[Receipt, Stored]:
    """Number an item."""
    return records.envelopes.add_envelope(
        item_id, kind, user_id=USER, sha256=digest_of(content), at=NOON, audit=an_audit()
    )


def test_items_are_numbered_in_order_and_once(furnished: Records) -> None:
    """A repeat has the number of the first, and leaves no second audit row."""
    assert furnished.envelopes.last_seq() == 0
    first, stored = add(furnished, "item-1")
    assert (first.seq, stored) == (1, Stored.NEW)
    assert add(furnished, "item-2")[0].seq == 2
    n_before = n_audited(furnished)
    assert add(furnished, "item-1") == (first, Stored.SAME)
    assert furnished.envelopes.last_seq() == 2
    assert n_audited(furnished) == n_before


def test_an_id_never_gets_other_content(furnished: Records) -> None:
    """Nor another kind."""
    add(furnished, "item-1")
    with pytest.raises(ContentConflict):
        add(furnished, "item-1", "y")
    with pytest.raises(ContentConflict):
        add(furnished, "item-1", kind=ItemKind.INFERENCE)


def test_what_is_missing_is_told_in_the_order_asked(furnished: Records) -> None:
    """Other content under the id is missing, too."""
    add(furnished, "item-1")
    here, other = digest_of("x"), Sha256("0" * 64)
    asked = [("item-3", here), ("item-1", here), ("item-2", here), ("item-1", other)]
    assert furnished.envelopes.missing(asked) == ("item-3", "item-2", "item-1")
    assert furnished.envelopes.missing([]) == ()

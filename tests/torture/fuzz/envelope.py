"""Any bytes as what was sealed, and as its seal: an item made of texts, or a refusal by name."""

from __future__ import annotations

from typing import Any, Final, cast

from appliance.core.author_pass import AuthorPass, signed_pass
from appliance.core.envelope import Sealed, parse_sealed
from appliance.core.errors import DigestMismatch, EnvelopeRefused
from appliance.core.signing_key import BoxSigner
from appliance.usecases.open_envelope import opened_envelope
from tests.builders import NOON, a_user, later
from tests.torture.fuzz.known import hold_to

ITEM: Final = "7b0d1c5e-0000-4000-8000-000000000001"
REASONS: Final = frozenset({"format", "head", "other-box", "other-id", "author-pass", "too-large"})
HEADER: Final = b"SPE1" + bytes.fromhex("98ce42deef51d402") + bytes(65 + 12)
"""Of an item to the key of 65 zeros; what follows is taken for opened already."""


SIGNED: Final = signed_pass(
    AuthorPass(user_id=a_user().id, tablet_id=None, issued_at=NOON, expires_at=later(1)),
    BoxSigner(public_key=bytes(32), sign=lambda _content: bytes(64)),
).partition(".")[0]
"""The one note that this box signed."""


class OpenAlready:
    """An opener for which what is sealed is plain."""

    public_key = bytes(65)

    def open(self, sealed: Sealed, _item_id: str) -> bytes:
        """Return it as it is."""
        return sealed.ciphertext


class OneNurse:
    """Accounts of one nurse."""

    def user(self, _user_id: str) -> Any:  # noqa: ANN401 - a user
        """Return her, whoever is asked for."""
        return a_user()


def one(content: bytes) -> None:
    """Read it as a seal, then as what is in one; who is in it reads as text."""
    try:
        parse_sealed(content, public_key=OpenAlready.public_key)
    except EnvelopeRefused as refusal:
        hold_to(refusal, REASONS)
    try:
        opened = opened_envelope(
            ITEM,
            HEADER + content,
            opener=OpenAlready(),
            is_signed=lambda content, _signature: content == SIGNED.encode(),
            accounts=cast("Any", OneNurse()),
        )
    except EnvelopeRefused as refusal:
        hold_to(refusal, REASONS)
    except DigestMismatch:
        return
    else:
        if opened.recording is not None:
            assert opened.recording.role.encode()
            assert (opened.recording.protocol_id or "").encode()

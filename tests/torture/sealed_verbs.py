"""What a tablet brings sealed, as verbs that may be died at."""

from __future__ import annotations

from typing import Final

from appliance.bootstrap import Appliance
from appliance.core.author_pass import AuthorPass, signed_pass
from appliance.server import take_in
from tests.builders import NOON, a_user, later
from tests.sealing import PROTOCOL, a_head, an_inference, sealed

CARRIER: Final = "tablet-1"


def bring_recording(box: Appliance, item_id: str, payload: bytes, role: str) -> None:
    """Bring a recording that the nurse sealed."""
    _bring(box, "recording", item_id, payload, role=role, protocol=PROTOCOL)


def bring_inference(box: Appliance, item_id: str, recordings: dict[str, str]) -> None:
    """Bring an inference that names recordings which are here, by role."""
    _bring(box, "inference", item_id, an_inference(recordings))


def _bring(box: Appliance, kind: str, item_id: str, payload: bytes, **more: str) -> None:
    nurse = a_user()
    note = AuthorPass(user_id=nurse.id, tablet_id=None, issued_at=NOON, expires_at=later(1))
    author_pass = signed_pass(note, box.signer())
    head = a_head(kind, item_id, payload, author_pass=author_pass, user_id=nurse.id, **more)
    content = sealed(head, payload, item_id=item_id, box_key=box.opener().public_key)
    take_in(item_id, content, bearer=CARRIER, appliance=box)

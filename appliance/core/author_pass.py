"""Who wrote what a tablet brings home later: a note the box signed when the author signed in.

It says who, at which tablet and when the password was given. It opens nothing: whoever brings an
envelope is asked for credentials of their own.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.core.errors import EnvelopeRefused
from appliance.core.ids import UserId
from appliance.core.signing_key import BoxSigner

FORMAT: Final = "spira-author-pass-1"
MAX_CHARACTERS: Final = 1024
_KEYS: Final = frozenset({"format", "user_id", "tablet_id", "issued_at", "expires_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorPass:
    """Who signed in where, and until when that was a sign-in."""

    user_id: UserId
    tablet_id: str | None
    issued_at: datetime
    expires_at: datetime


def signed_pass(author: AuthorPass, signer: BoxSigner) -> str:
    """Return the note as a tablet keeps it: two base64url parts, joined by a dot."""
    document = {
        "format": FORMAT,
        "user_id": author.user_id,
        "tablet_id": author.tablet_id,
        "issued_at": author.issued_at.isoformat(),
        "expires_at": author.expires_at.isoformat(),
    }
    said = _encoded(json.dumps(document, separators=(",", ":"), sort_keys=True).encode("ascii"))
    return f"{said}.{_encoded(signer.sign(said.encode('ascii')))}"


def verified_pass(text: str, *, is_signed: Callable[[bytes, bytes], bool]) -> AuthorPass:
    """Return what a note says, if this box signed it.

    Args:
        text: as a tablet brought it.
        is_signed: whether this box signed these bytes with this signature.

    Raises:
        EnvelopeRefused: details.reason is `author-pass`.
    """
    said, dot, signature = text.partition(".")
    try:
        is_ours = (
            len(text) <= MAX_CHARACTERS
            and bool(dot)
            and is_signed(said.encode("ascii"), _decoded(signature))
        )
        document = json.loads(_decoded(said)) if is_ours else None
    except (ValueError, binascii.Error):
        document = None
    if not isinstance(document, dict) or document.keys() != _KEYS or document["format"] != FORMAT:
        raise EnvelopeRefused(reason="author-pass")
    return AuthorPass(
        user_id=UserId(document["user_id"]),
        tablet_id=document["tablet_id"],
        issued_at=datetime.fromisoformat(document["issued_at"]),
        expires_at=datetime.fromisoformat(document["expires_at"]),
    )


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

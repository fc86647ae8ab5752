"""The end of the audit chain, signed by its box, to be kept where nobody of the box can reach.

The chain alone does not tell that its last rows are gone, or that all of it was written anew.
A head kept elsewhere does.

What is signed is the document without `signature`, as JSON in ASCII with sorted keys and no
spaces; `format` sets it apart from anything else the key may sign.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.core.errors import AuditHeadRefused
from appliance.core.signing_key import N_PUBLIC_KEY_BYTES, N_SIGNATURE_BYTES

FORMAT: Final = "spira-audit-head-1"
MAX_HEAD_BYTES: Final = 4096

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_KEYS: Final = frozenset({"format", "box", "seq", "hash", "at", "public_key", "signature"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The last row of a chain at some moment, and whose chain it is.

    Attributes:
        box: what the box is called, for people; `public_key` says which it is.
        at: when it was signed.
        public_key: 32 raw bytes of the box's signing key.
    """

    box: str
    seq: int
    hash: str
    at: datetime
    public_key: bytes

    def document(self) -> dict[str, str | int]:
        """Return it as it is written down, without the signature."""
        return {
            "format": FORMAT,
            "box": self.box,
            "seq": self.seq,
            "hash": self.hash,
            "at": self.at.isoformat(),
            "public_key": base64.b64encode(self.public_key).decode(),
        }

    def signed_bytes(self) -> bytes:
        """Return the very bytes that are signed."""
        return json.dumps(self.document(), separators=(",", ":"), sort_keys=True).encode("ascii")


def head_text(head: AuditHead, signature: bytes) -> str:
    """Return the file that is kept elsewhere."""
    document = {**head.document(), "signature": base64.b64encode(signature).decode()}
    return json.dumps(document, indent=2) + "\n"


def parse_head(content: bytes) -> tuple[AuditHead, bytes]:
    """Return a head and its signature, which nobody has checked yet.

    Raises:
        AuditHeadRefused: it is no signed head.
    """
    try:
        document = json.loads(content)
        if not isinstance(document, dict) or document.keys() != _KEYS:
            raise _no_head()
        head = AuditHead(
            box=document["box"],
            seq=document["seq"],
            hash=document["hash"],
            at=datetime.fromisoformat(document["at"]),
            public_key=base64.b64decode(document["public_key"], validate=True),
        )
        signature = base64.b64decode(document["signature"], validate=True)
    except (ValueError, TypeError, RecursionError) as error:
        raise _no_head() from error
    if head.document() != {key: document[key] for key in document if key != "signature"}:
        raise _no_head()
    if not _is_sound(head) or len(signature) != N_SIGNATURE_BYTES:
        raise _no_head()
    return head, signature


def _is_sound(head: AuditHead) -> bool:
    return (
        type(head.seq) is int
        and head.seq >= 0
        and isinstance(head.box, str)
        and isinstance(head.hash, str)
        and _HASH.fullmatch(head.hash) is not None
        and len(head.public_key) == N_PUBLIC_KEY_BYTES
    )


def _no_head() -> AuditHeadRefused:
    return AuditHeadRefused("This is no signed head of an audit chain.", reason="format")

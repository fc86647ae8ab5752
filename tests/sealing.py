"""Seals as a tablet does: for tests of the box, and for the vectors both sides are held to."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.core.envelope import MAGIC, derivation_label, key_id
from appliance.core.protocol import parse_protocol
from tests.usecases.ward import PROTOCOL as DOCUMENT

PROTOCOL = "spira-2022.1"
PROTOCOL_TEXT = parse_protocol(DOCUMENT).consents["pt-BR"]


def sealed(
    head: dict[str, Any],
    payload: bytes,
    *,
    item_id: str,
    box_key: bytes,
    ephemeral: ec.EllipticCurvePrivateKey | None = None,
    nonce: bytes = bytes(12),
) -> bytes:
    """Return what a tablet would send; head and payload may be as wrong as a test wants them."""
    private = ephemeral or ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), box_key)
    key = HKDF(
        algorithm=SHA256(), length=32, salt=public + box_key, info=derivation_label(item_id)
    ).derive(private.exchange(ec.ECDH(), theirs))
    header = MAGIC + key_id(box_key) + public + nonce
    said = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    plain = len(said).to_bytes(4, "big") + said + payload
    return header + AESGCM(key).encrypt(nonce, plain, header + item_id.encode("ascii"))


def a_head(
    kind: str, item_id: str, payload: bytes, *, author_pass: str, user_id: str, **more: str
) -> dict[str, Any]:
    """Return the head that fits an item."""
    return {
        "kind": kind,
        "id": item_id,
        "user_id": user_id,
        "author_pass": author_pass,
        "sha256": hashlib.sha256(payload).hexdigest(),
        **more,
    }


def an_inference(recordings: dict[str, str], **change: Any) -> bytes:  # noqa: ANN401
    """Return the JSON of an inference with these recordings, by role."""
    document = {
        "protocol": {"id": PROTOCOL},
        "form": {
            "rgh": "14259401E",
            "local": "Hospital das Clínicas",
            "gender": "Feminino",
            "mask_type": "NONE",
            "covid_status": "FALSE",
        },
        "consent": {
            "decision": "accepted",
            "given_by": "patient",
            "form_signed": "paper",
            "text_sha256": PROTOCOL_TEXT.sha256,
            "language": "pt-BR",
            "purposes": {"study": True},
            "taken_at": "2026-03-01T11:59:00Z",
        },
        "recordings": [{"id": id_, "role": role} for role, id_ in recordings.items()],
        "captured_at": "2026-03-01T12:00:00Z",
        **change,
    }
    return json.dumps(document, ensure_ascii=False).encode()

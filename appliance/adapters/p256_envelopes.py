"""Opens what tablets seal to this box: ECDH on P-256, HKDF-SHA-256, AES-256-GCM.

NIST SP 800-56A (ECDH), RFC 5869 (HKDF), NIST SP 800-38D (GCM); put together as core.envelope says.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.core.envelope import N_KEY_BYTES, Sealed, derivation_label
from appliance.core.errors import EnvelopeRefused

# Of the curve: SEC 2, secp256r1.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class P256Envelopes:
    """Fills `appliance.ports.EnvelopeOpener`."""

    def __init__(self, secret: bytes) -> None:
        """Open with the key that these 32 random bytes stand for."""
        number = int.from_bytes(secret, "big") % (_ORDER - 1) + 1
        self._private = ec.derive_private_key(number, ec.SECP256R1())
        self._public = self._private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )

    @property
    def public_key(self) -> bytes:
        """See the port."""
        return self._public

    def open(self, sealed: Sealed, item_id: str) -> bytes:
        """See the port."""
        try:
            theirs = ec.EllipticCurvePublicKey.from_encoded_point(
                ec.SECP256R1(), sealed.ephemeral_key
            )
            shared = self._private.exchange(ec.ECDH(), theirs)
            key = HKDF(
                algorithm=SHA256(),
                length=N_KEY_BYTES,
                salt=sealed.ephemeral_key + self._public,
                info=derivation_label(item_id),
            ).derive(shared)
            return AESGCM(key).decrypt(
                sealed.nonce, sealed.ciphertext, sealed.header + item_id.encode("ascii")
            )
        except (InvalidTag, ValueError) as error:
            raise EnvelopeRefused(reason="seal") from error

"""Pseudonyms: the same at every export of a box or a study, and of no use without the key."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
import uuid
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest

N_HEX_DIGITS: Final = 32
"""128 bits: no two patients of any hospital meet by chance."""

STUDY: Final = re.compile(r"[a-z0-9-]{3,32}")
_SEPARATOR: Final = "\x1f"


def study_key(key: bytes, study: str) -> bytes:
    """Return the key of a study: made from the box's, so that later exports of the study join.

    Two studies cannot be joined by their pseudonyms by anyone who has not the box's key.

    Args:
        key: 32 random bytes that never leave the box.
        study: 3 to 32 of a to z, 0 to 9 and `-`.

    Raises:
        InvalidRequest: it is none.
    """
    if not STUDY.fullmatch(study):
        message = "3 to 32 of a to z, 0 to 9 and -"
        fault = FieldError(field="study", code="format", message=message)
        raise InvalidRequest("The name of the study is not valid.", errors=(fault,))
    return _digest(key, f"study{_SEPARATOR}{study}").digest()


def id_pseudonym(key: bytes, kind: str, record_id: str) -> str:
    """Return the pseudonym of a user, a hospital or a tablet, 32 hexadecimal digits.

    Args:
        key: 32 bytes.
        kind: of thing, so that no two kinds share a pseudonym.
        record_id: its id on the box.
    """
    return _digest(key, f"{kind}{_SEPARATOR}{record_id}").hexdigest()[:N_HEX_DIGITS]


def record_pseudonym(key: bytes, record_id: str) -> str:
    """Return the pseudonym of a record, a UUID made from its id and the key.

    An id of the box would join the exports of two studies; those of some clients hold the instant
    at which they were made, too.

    Args:
        key: 32 bytes.
        record_id: its id on the box.
    """
    octets = bytearray(_digest(key, f"record{_SEPARATOR}{record_id}").digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x80  # version 8: of its maker's own (RFC 9562)
    octets[8] = octets[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(octets)))


def patient_pseudonym(key: bytes, hospital_id: str | None, rgh: str) -> str:
    """Return HMAC-SHA-256 of hospital and RGH, 32 hexadecimal digits.

    A plain hash would not do: there are so few RGHs that all can be tried.

    Args:
        key: 32 random bytes that never leave the box.
        hospital_id, rgh: as `one_patient`.
    """
    return _digest(key, one_patient(hospital_id, rgh)).hexdigest()[:N_HEX_DIGITS]


def one_patient(hospital_id: str | None, rgh: str) -> str:
    """Return what is the same for one patient, and identifies: it never leaves the box.

    Args:
        hospital_id: the same RGH in two hospitals is two patients.
        rgh: case, width and whatever divides its letters and digits do not matter.
    """
    return f"{hospital_id or ''}{_SEPARATOR}{_plain(rgh)}"


def _digest(key: bytes, message: str) -> hmac.HMAC:
    return hmac.new(key, message.encode(), hashlib.sha256)


def _plain(rgh: str) -> str:
    """Return letters and digits alone, in upper case: `1425 9401-e` is `14259401E`."""
    text = unicodedata.normalize("NFKC", rgh).upper()
    # What has neither a letter nor a digit stays as it is: it must not become everybody's.
    return "".join(filter(str.isalnum, text)) or text.strip()

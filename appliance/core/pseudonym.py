"""A patient's pseudonym: the same at every export of a box, and of no use without its key."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Final

N_HEX_DIGITS: Final = 32
"""128 bits: no two patients of any hospital meet by chance."""

_SEPARATOR: Final = "\x1f"


def patient_pseudonym(key: bytes, hospital_id: str | None, rgh: str) -> str:
    """Return HMAC-SHA-256 of hospital and RGH, 32 hexadecimal digits.

    A plain hash would not do: there are so few RGHs that all can be tried.

    Args:
        key: 32 random bytes that never leave the box.
        hospital_id: the same RGH in two hospitals is two patients.
        rgh: case, width and whatever divides its letters and digits do not matter.
    """
    message = f"{hospital_id or ''}{_SEPARATOR}{_plain(rgh)}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()[:N_HEX_DIGITS]


def _plain(rgh: str) -> str:
    """Return letters and digits alone, in upper case: `1425 9401-e` is `14259401E`."""
    text = unicodedata.normalize("NFKC", rgh).upper()
    # What has neither a letter nor a digit stays as it is: it must not become everybody's.
    return "".join(filter(str.isalnum, text)) or text.strip()

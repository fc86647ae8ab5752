"""A patient's pseudonym: the same at every export of a box, and of no use without its key."""

from __future__ import annotations

import hashlib
import hmac
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
        rgh: case and surrounding space do not matter.
    """
    message = f"{hospital_id or ''}{_SEPARATOR}{rgh.strip().upper()}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()[:N_HEX_DIGITS]

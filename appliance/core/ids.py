"""The identifiers of things, as types the checker can tell apart."""

from __future__ import annotations

import uuid
from typing import NewType

from appliance.core.errors import FieldError, InvalidRequest

UserId = NewType("UserId", str)
HospitalId = NewType("HospitalId", str)
ModelId = NewType("ModelId", str)
ModelVersionId = NewType("ModelVersionId", str)
ProtocolId = NewType("ProtocolId", str)
InferenceId = NewType("InferenceId", str)
RecordingId = NewType("RecordingId", str)
ConsentId = NewType("ConsentId", str)
ResultId = NewType("ResultId", str)
TokenId = NewType("TokenId", str)
TabletId = NewType("TabletId", str)
Sha256 = NewType("Sha256", str)
"""64 lower-case hexadecimal digits."""


def parse_uuid(text: str, *, field: str) -> str:
    """Return the one canonical spelling of a UUID.

    Args:
        text: what a client sent.
        field: the name to blame.

    Raises:
        InvalidRequest: it is not a UUID in its 36-character spelling.
    """
    try:
        canonical = str(uuid.UUID(text))
    except (ValueError, AttributeError):
        canonical = ""
    if canonical != text.lower() or not canonical:
        raise InvalidRequest(
            f"{field} is not a UUID.",
            errors=(FieldError(field=field, code="uuid", message="not a UUID"),),
        )
    return canonical

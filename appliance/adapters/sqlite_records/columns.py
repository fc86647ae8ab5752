"""Values as columns: instants, documents, and texts compared without case."""

from __future__ import annotations

import json
from datetime import UTC, datetime


def instant_text(at: datetime) -> str:
    """Return ISO 8601 in UTC, always with microseconds: the order of texts is that of time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def optional_instant_text(at: datetime | None) -> str | None:
    """Return `instant_text`, or None."""
    return None if at is None else instant_text(at)


def instant(text: str) -> datetime:
    """Return the aware instant a column holds."""
    return datetime.fromisoformat(text)


def optional_instant(text: str | None) -> datetime | None:
    """Return `instant`, or None."""
    return None if text is None else instant(text)


def document_text(document: object) -> str:
    """Return compact JSON; refuses NaN and infinities, which JSON has not."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

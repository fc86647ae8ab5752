"""When two names are the same."""

from __future__ import annotations

import unicodedata


def folded(name: str) -> str:
    """Return the form under which names are equal without case, in any script.

    SQLite's NOCASE knows ASCII alone, and "JOÃO" is "joão".
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())

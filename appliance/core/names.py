"""What may be a name, and when two are the same."""

from __future__ import annotations

import unicodedata

from appliance.core.errors import FieldError, InvalidRequest


def folded(name: str) -> str:
    """Return the form under which names are equal without case, in any script.

    SQLite's NOCASE knows ASCII alone, and "JOÃO" is "joão".
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def checked_name(text: str, *, what: str, field: str, max_characters: int) -> str:
    """Return a name without blanks around it.

    Args:
        text: as somebody typed it.
        what: it names, for the sentence: `The username`.
        field: to blame.
        max_characters: it may have.

    Raises:
        InvalidRequest: it is empty, too long or not printable.
    """
    name = text.strip()
    if not name or len(name) > max_characters or not name.isprintable():
        message = f"1 to {max_characters} printable characters"
        raise InvalidRequest(
            f"{what} is not valid.",
            errors=(FieldError(field=field, code="length", message=message),),
        )
    return name

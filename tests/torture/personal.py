"""What must never be read in a log: values of patients and users, and how they are found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.form_2022 import FORM_2022, HC

STEM: Final = "zqxwk"
"""Within every planted value: what no word, id or digest of ours contains."""

_USED: Final = (STEM, FORM_2022["rgh"], "Feminino", HC, "newcomer@example.org", "victim")
_SECRETS: Final = {
    "a token": re.compile(r"eyJ[A-Za-z0-9_-]{10,}"),
    "a password": re.compile(r"(?<![\w-])[a-z0-9]{4}(-[a-z0-9]{4}){3}(?![\w-])"),
}
"""Tokens and passwords differ from box to box: they are known by their looks."""

_ESCAPED: Final = re.compile(r"\\u([0-9a-f]{4})")


def canary(place: str) -> str:
    """Return a value that tells where it was planted."""
    return f"{STEM}{place}"


def found_in(text: str) -> set[str]:
    """Return what of patients and users stands in a text, plain or escaped."""
    plain = (text + "\n" + _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)).lower()
    found = {value for value in _USED if value.lower() in plain}
    return found | {name for name, looks in _SECRETS.items() if looks.search(text)}


def leaks(directory: Path) -> Iterator[str]:
    """Yield every line of a server's log below a directory that tells of somebody."""
    for log in sorted(directory.rglob("serve*.log")):
        for number, line in enumerate(log.read_text(errors="replace").splitlines(), 1):
            found = found_in(line)
            if found:
                yield f"{log}:{number}: {sorted(found)}: {line[:300]}"

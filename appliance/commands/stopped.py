"""How a command ends that was stopped by Ctrl-C; imports next to nothing, for it may come early."""

from __future__ import annotations

import json
import sys
from typing import Final

EXIT_STOPPED: Final = 130

_DOCUMENT: Final = {
    "error": {
        "code": "stopped",
        "detail": "Stopped.",
        "remedy": "Run it again.",
        "retryable": True,
        "details": {},
        "errors": [],
    }
}


def tell_stopped(*, as_json: bool) -> None:
    """Print one document to stdout for programs, a word to stderr for people."""
    if as_json:
        sys.stdout.write(f"{json.dumps(_DOCUMENT, ensure_ascii=False, indent=2)}\n")
        sys.stdout.flush()
    else:
        sys.stderr.write("Stopped.\n")

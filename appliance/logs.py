"""Logs: one JSON line an event on stderr, and nothing personal on any way there.

Our own events are names with ids and codes beside them. Texts of libraries and of exceptions may
quote what a client sent, so of those only the fixed part is kept: a template without what fills
it, an exception's type and where it passed, never its message.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

_OURS: Final = ("appliance", "cli")
_MAX_TEXT_CHARACTERS: Final = 200
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
_TOO_TALKATIVE: Final = ("huey", "uvicorn", "litestar", "asyncio")


class JsonLines(logging.Formatter):
    """A record as one line of ASCII; control characters are escaped like all others."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        ours = record.name.split(".", 1)[0] in _OURS
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage() if ours else "library",
            "logger": record.name,
        }
        if ours:
            line |= {k: _plain(v) for k, v in record.__dict__.items() if k not in _STANDARD}
        else:
            line["text"] = _template(record)
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _where(record.exc_info[2])
        return json.dumps(line)


def start_logging(level: str, *, stream: TextIO = sys.stderr) -> None:
    """Send everything this process logs to one place, and libraries' chatter nowhere.

    Args:
        level: the least severe of our own events to log.
        stream: where to.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("appliance").setLevel(level.upper())
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    # A log that cannot be written must not print what it could not write.
    logging.raiseExceptions = False
    threading.excepthook = _log_thread_fault


def _log_thread_fault(fault: threading.ExceptHookArgs) -> None:
    """Log a thread's end by an exception, which would else be printed with its message."""
    if fault.exc_value is not None:
        exc_info = (fault.exc_type, fault.exc_value, fault.exc_traceback)
        logging.getLogger("appliance").error("thread-fault", exc_info=exc_info)


def _plain(value: object) -> object:
    """Return numbers and texts as they are, of everything else the type."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return type(value).__name__


def _template(record: logging.LogRecord) -> str:
    """Return the first line of a library's text; filled in only where numbers alone fill it."""
    if not isinstance(record.msg, str):
        return type(record.msg).__name__
    if record.name == "py.warnings":
        return ":".join(record.getMessage().split(":")[:3])  # file, line, category
    filling = record.args if isinstance(record.args, tuple) else (record.args,)
    harmless = all(isinstance(part, int | float) for part in filling)
    text = record.getMessage() if harmless else record.msg
    return text.partition("\n")[0][:_MAX_TEXT_CHARACTERS]


def _where(trace: TracebackType | None) -> list[str]:
    """Return the frames an exception passed, outermost first."""
    frames = traceback.extract_tb(trace)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]

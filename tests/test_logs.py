"""Logs: one line of JSON an event, and no way for a patient into it."""

from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator

import pytest

from appliance.logs import start_logging

RGH = "14259401E"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Logging as the server has it, into a text; everything is as before afterwards."""
    root, hook, shown = logging.getLogger(), threading.excepthook, logging.raiseExceptions
    names = ("appliance", "huey", "uvicorn", "litestar", "asyncio")
    before = root.handlers, root.level, {n: logging.getLogger(n).level for n in names}
    stream = io.StringIO()
    start_logging("info", stream=stream)
    yield stream
    root.handlers, level, levels = before
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    logging.captureWarnings(capture=False)
    threading.excepthook, logging.raiseExceptions = hook, shown


def lines(log: io.StringIO) -> list[dict[str, object]]:
    """Return the events."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_an_event_is_a_name_with_what_goes_with_it(log: io.StringIO) -> None:
    """Ids, numbers and codes stand beside the name, the instant is in UTC."""
    logging.getLogger("appliance.worker").info("answered", extra={"result_id": "r-1", "n": 2})

    (line,) = lines(log)
    assert str(line.pop("at")).endswith("+00:00")
    assert line == {
        "level": "info",
        "event": "answered",
        "logger": "appliance.worker",
        "result_id": "r-1",
        "n": 2,
    }


def test_control_characters_cannot_forge_a_line(log: io.StringIO) -> None:
    """Whatever a value holds, an event is one line of printable ASCII."""
    hostile = 'x"}\n{"event": "forged"}\r\x1b[2J\x7f\x85\u2028é'
    logging.getLogger("appliance").info("event", extra={"role": hostile})

    text = log.getvalue().rstrip("\n")
    assert text.isascii()
    assert text.isprintable()
    assert lines(log)[0]["role"] == hostile


def test_an_exception_leaves_its_type_and_path_but_not_its_message(log: io.StringIO) -> None:
    """The message may quote what a client sent."""
    try:
        int(RGH)
    except ValueError:
        logging.getLogger("appliance").exception("job-fault")

    (line,) = lines(log)
    assert line["error"] == "ValueError"
    assert "test_logs.py" in str(line["where"])
    assert RGH not in log.getvalue()


def test_objects_are_named_by_their_type_alone(log: io.StringIO) -> None:
    """Nobody logs a form by accident."""
    logging.getLogger("appliance").info("event", extra={"form": {"rgh": RGH}, "n": [1, (2,)]})

    assert lines(log)[0]["form"] == "dict"
    assert lines(log)[0]["n"] == [1, [2]]
    assert RGH not in log.getvalue()


def test_of_libraries_only_the_fixed_part_is_kept(log: io.StringIO) -> None:
    """Templates stay templates unless numbers alone fill them; further lines are dropped."""
    library = logging.getLogger("some.library")
    library.error("cannot parse %r", RGH)
    library.error("waited %d s", 3)
    library.error("Task exception was never retrieved\nfuture: %s" % RGH)  # noqa: UP031
    library.error(ValueError(RGH))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(RGH, stacklevel=1)

    texts = [line["text"] for line in lines(log)]
    assert texts[:2] == ["cannot parse %r", "waited 3 s"]
    assert texts[2:4] == ["Task exception was never retrieved", "ValueError"]
    assert {line["event"] for line in lines(log)} == {"library"}
    assert RGH not in log.getvalue()


def test_a_thread_that_dies_is_an_event(log: io.StringIO) -> None:
    """Python would print the message of the exception."""

    def die() -> None:
        raise ValueError(RGH)

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()

    (line,) = lines(log)
    assert (line["event"], line["error"]) == ("thread-fault", "ValueError")
    assert RGH not in log.getvalue()


def test_the_chatter_of_libraries_is_left_out(log: io.StringIO) -> None:
    """What happened every time is not worth a line."""
    logging.getLogger("huey.consumer").info("Huey consumer started")
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("appliance").debug("detail")

    assert lines(log) == []

"""Whoever asks for more than pseudonyms says why, and every option stands in the audit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.core.errors import InvalidRequest
from appliance.core.export_choice import ExportChoice, read_since, read_where
from appliance.core.export_dates import Dates

REASON = "Parity of the 2021 model, CAAE 12345678.9.0000.0068"


@pytest.mark.parametrize(
    ("options", "at_fault"),
    [
        ({"identified": True}, {"reason"}),
        ({"audio": True}, {"reason"}),
        ({"audio": True, "reason": "why not"}, {"reason"}),
        ({"audio": True, "reason": " " * 20}, {"reason"}),
        ({"audio": True, "reason": "two lines\nof a reason"}, {"reason"}),
        ({"reason": "x" * 301}, {"reason"}),
        ({"dates": Dates.TRUE}, {"dates"}),
        ({"dates": Dates.TRUE, "audio": True}, {"dates", "reason"}),
    ],
)
def test_what_is_not_allowed_is_named(options: dict[str, Any], at_fault: set[str]) -> None:
    """Every option at fault at once."""
    with pytest.raises(InvalidRequest) as refusal:
        ExportChoice(**options)
    assert {fault.field for fault in refusal.value.errors} == at_fault


def test_a_reason_lets_more_out() -> None:
    """An approval by its number is a reason, too."""
    choice = ExportChoice(identified=True, audio=True, dates=Dates.TRUE, reason=REASON)
    assert choice.told(())["reason"] == REASON


def test_the_audit_holds_no_value_of_a_column_that_identifies() -> None:
    """That there was a condition on the RGH is told, the RGH is not."""
    where = read_where(["rgh=14259401E", "gender=Feminino", "gender=Outro"])
    told = ExportChoice(where=where).told({"rgh"})
    assert told["where"] == "gender=Feminino|Outro and rgh=(not told)"
    assert ExportChoice().told(())["where"] is None


def test_conditions_are_read() -> None:
    """A value may hold `=` and may be empty, which is missing."""
    assert read_where(["a=x=y", "a=", "b=1"]) == {
        "a": frozenset({"x=y", ""}),
        "b": frozenset({"1"}),
    }
    for text in ("gender", "=x", ""):
        with pytest.raises(InvalidRequest):
            read_where([text])


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T08:00-03:00", datetime(2026, 11, 1, 11, tzinfo=UTC)),
        ("2026-11-01T08:00Z", datetime(2026, 11, 1, 8, tzinfo=UTC)),
    ],
)
def test_instants_are_read(text: str, at: datetime) -> None:
    """A day is its midnight in UTC."""
    assert read_since(text) == at


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "2026-11-01T08:00", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    """Without an offset nobody knows which hour is meant."""
    with pytest.raises(InvalidRequest):
        read_since(text)

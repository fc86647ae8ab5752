"""CSV survives its readers: the csv module gives every cell back, a spreadsheet computes none."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.csv_text import GUARD, csv_row, guarded

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001


def _read(line: str) -> list[str]:
    rows = list(csv.reader(io.StringIO(line, newline="")))
    assert len(rows) == 1
    return rows[0]


def unguarded(cell: str) -> str:
    """Return the text of a cell as README.txt of an export tells readers to."""
    return cell.removeprefix(GUARD)


@given(st.lists(st.text(), min_size=2, max_size=8))
def test_every_text_comes_back_through_the_csv_module(texts: list[str]) -> None:
    """Quotes, separators, line ends and NUL inside a text change nothing."""
    cells = _read(csv_row(texts))

    assert [unguarded(cell) for cell in cells] == texts


@given(st.sampled_from(FORMULA_STARTS), st.text())
def test_no_text_is_computed(start: str, rest: str) -> None:
    """Whatever a formula begins with stands behind an apostrophe in the file."""
    (cell, _) = _read(csv_row([start + rest, "x"]))

    assert cell == "'" + start + rest


@given(st.text())
def test_guarding_is_lossless(text: str) -> None:
    """One rule takes the guard away, also from texts that began with an apostrophe."""
    assert unguarded(guarded(text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_numbers_stay_numbers(number: float) -> None:
    """A negative number is a number, not a formula, and keeps every digit."""
    (cell, _) = _read(csv_row([number, 0]))

    assert type(number)(cell) == number


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(number: float) -> None:
    """No table ever says nan: missing is empty."""
    with pytest.raises(ValueError, match="not finite"):
        csv_row([number])


def test_a_line_as_rfc_4180_has_it() -> None:
    """Commas, CR LF at the end, empty for missing, ISO 8601 in UTC, lists as JSON."""
    at = datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=-3)))

    line = csv_row([None, True, -0.5, 7, at, (0.25, 0.5), 'say "a"', "a;b", "ã"])

    assert line == ',true,-0.5,7,2026-11-23T12:00:00Z,"[0.25, 0.5]","say ""a""","a;b",ã\r\n'


def test_an_instant_without_time_zone_is_refused() -> None:
    """A local time means nothing in another country."""
    with pytest.raises(ValueError, match="time zone"):
        csv_row([datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)])

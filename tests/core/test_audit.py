"""The audit chain: no change of any row goes unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.audit import (
    GENESIS,
    AuditAction,
    AuditRow,
    audited,
    broken_line,
    first_break,
    line_of,
    row_hash,
)
from tests.builders import an_audit, later

N_ROWS = 6


def chain(n_rows: int = N_ROWS) -> list[AuditRow]:
    """Return a chain that holds."""
    rows: list[AuditRow] = []
    previous = GENESIS
    for seq in range(1, n_rows + 1):
        entry = an_audit(entity_id=f"entity-{seq}", at=later(seq), n=seq)
        digest = row_hash(seq, entry, previous)
        rows.append(AuditRow(seq=seq, entry=entry, previous=previous, hash=digest))
        previous = digest
    return rows


@given(st.integers(0, N_ROWS))
def test_an_untouched_chain_holds(n_rows: int) -> None:
    """From the first row, and from any later one with the hash before it."""
    assert first_break(chain(n_rows)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"at": later(0.5)},
        {"actor": "nobody"},
        {"action": AuditAction.KEY_ADDED},
        {"entity": "other"},
        {"entity_id": "other"},
        {"details": {}},
        {"details": {"n": True}},
    ],
)
@pytest.mark.parametrize("place", range(N_ROWS))
def test_a_changed_row_is_found(place: int, change: dict[str, Any]) -> None:
    """Whatever is changed in whichever row, and at that row."""
    rows = chain()
    rows[place] = replace(rows[place], entry=replace(rows[place].entry, **change))
    found = first_break(rows)
    assert found is not None
    assert found.seq == place + 1


@given(st.integers(0, N_ROWS - 1))
def test_a_row_that_was_hashed_anew_is_found_by_the_next(place: int) -> None:
    """Only the last row can be rewritten: hence the head is written down elsewhere."""
    rows = chain()
    entry = replace(rows[place].entry, actor="nobody")
    digest = row_hash(place + 1, entry, rows[place].previous)
    rows[place] = replace(rows[place], entry=entry, hash=digest)
    found = first_break(rows)
    assert (None if found is None else found.seq) == (place + 2 if place + 1 < N_ROWS else None)


@given(st.integers(0, N_ROWS - 2))
def test_a_removed_row_is_found(place: int) -> None:
    """Also where the rows behind it are numbered anew."""
    rows = chain()
    del rows[place]
    assert first_break(rows) is not None
    assert first_break([replace(row, seq=n) for n, row in enumerate(rows, start=1)]) is not None


@given(st.integers(0, N_ROWS - 1), st.integers(0, N_ROWS - 1))
def test_an_inserted_row_is_found(place: int, twin: int) -> None:
    """A second copy of a row, numbered anew or not."""
    rows = chain()
    rows.insert(place, rows[twin])
    assert first_break(rows) is not None
    assert first_break([replace(row, seq=n) for n, row in enumerate(rows, start=1)]) is not None


@given(st.sets(st.integers(0, N_ROWS - 1), min_size=2, max_size=2))
def test_swapped_rows_are_found(places: set[int]) -> None:
    """With their numbers or without."""
    rows = chain()
    first, second = sorted(places)
    rows[first], rows[second] = rows[second], rows[first]
    assert first_break(rows) is not None
    assert first_break([replace(row, seq=n) for n, row in enumerate(rows, start=1)]) is not None


@pytest.mark.parametrize("action", AuditAction)
def test_the_entity_is_the_action_s_first_word(action: AuditAction) -> None:
    """So that rows can be looked for by what they are about."""
    entry = audited(action, "some-id", at=later(0), actor="box", n=1)
    assert entry.action.value.startswith(f"{entry.entity}.")
    assert (entry.entity_id, entry.details) == ("some-id", {"n": 1})


@pytest.mark.parametrize("value", [b"x", None, 1, 0.5, "\udcff", "[" * 100_000])
@pytest.mark.parametrize("column", ["at", "actor", "action", "entity_id", "details", "hash"])
def test_whatever_damage_left_in_a_row_is_a_break(column: str, value: object) -> None:
    """And no fault of the program."""
    lines = [line_of(row) for row in chain()]
    lines[2] = lines[2]._replace(**{column: value})  # type: ignore[arg-type]
    found = broken_line(lines)
    assert found is not None
    assert found.seq == 3


@pytest.mark.parametrize(
    "respelled",
    [{"details": '{"n":3} '}, {"details": '{"n": 3.0}'}, {"at": "2026-03-01 12:00:03+00:00"}],
)
def test_a_row_has_one_spelling(respelled: dict[str, str]) -> None:
    """But for the details of the first release, which were written with spaces."""
    lines = [line_of(row) for row in chain()]
    assert broken_line([*lines[:2], lines[2]._replace(details='{"n": 3}'), *lines[3:]]) is None
    broken = broken_line([*lines[:2], lines[2]._replace(**respelled), *lines[3:]])  # type: ignore[arg-type]
    assert broken is not None
    assert broken.seq == 3

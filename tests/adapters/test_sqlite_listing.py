"""Pages of a list: the same as the whole, and answered by an index."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.sqlite_records import SqliteRecords, open_records
from appliance.adapters.sqlite_records.listing import page_rows
from appliance.core.diagnosis import Diagnosis
from appliance.core.errors import InvalidRequest
from appliance.core.ids import HospitalId, InferenceId, ResultId, UserId
from appliance.core.inference import Inference, InferenceQuery, InferenceStatus, SortKey
from appliance.core.result import Result, ResultState
from tests.builders import a_result, an_audit, an_inference, later
from tests.contracts.records import furnish
from tests.fakes import FakeRecords, open_fake_records

N_INFERENCES = 60


def made_up(number: int, chance: random.Random) -> tuple[Inference, list[Result]]:
    """Return an inference with many ties and absent values, and its result if it has one."""
    form = {
        "rgh": chance.choice(["1", "12", "2", "", None, "é"]),
        "local": chance.choice(["A", "b", None]),
    }
    collected = chance.random() < 0.3
    inference = an_inference(
        id=InferenceId(f"{chance.getrandbits(64):016x}"),
        model_id=None if collected else "model-1",
        model_name=None if collected else "SpiraConv",
        hospital_id=chance.choice([None, HospitalId("hospital-1")]),
        form={name: value for name, value in form.items() if value is not None},
        captured_at=later(chance.randrange(10)),
    )
    diagnosis = chance.choice(list(Diagnosis))
    answered = chance.random() < 0.7 and not collected
    result = a_result(
        id=ResultId(f"result-{number}"),
        inference_id=inference.id,
        state=ResultState.DONE if answered else ResultState.QUEUED,
        diagnosis=diagnosis if answered else None,
    )
    return inference, [] if collected else [result]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteRecords, FakeRecords]]:
    """The same inferences in a file and in memory."""
    real = open_records(tmp_path_factory.mktemp("listing") / "records.db")
    fake = open_fake_records()
    furnish(real)
    furnish(fake)
    chance = random.Random(7)  # noqa: S311 - the same rows every time
    for number in range(N_INFERENCES):
        inference, results = made_up(number, chance)
        for records in (real, fake):
            records.inferences.add_inference(inference, results, audit=an_audit())
    yield real, fake
    real.close()


queries = st.builds(
    InferenceQuery,
    user_id=st.sampled_from([None, UserId("user-1"), UserId("nobody")]),
    hospital_id=st.sampled_from([None, HospitalId("hospital-1")]),
    limit=st.integers(1, N_INFERENCES + 1),
    sort=st.sampled_from(SortKey),
    descending=st.booleans(),
    rgh_prefix=st.sampled_from([None, "", "1", "é", "%"]),
    status=st.sampled_from([None, *InferenceStatus]),
    diagnosis=st.sampled_from([None, *Diagnosis]),
    local=st.sampled_from([None, "A"]),
    captured_from=st.sampled_from([None, later(3)]),
    captured_to=st.sampled_from([None, later(6)]),
)


@given(query=queries)
def test_pages_are_what_memory_says(
    both: tuple[SqliteRecords, FakeRecords], query: InferenceQuery
) -> None:
    """For any filter, order and size of page: every row once, in the order of the whole list."""
    real, fake = both
    expected = fake.inferences.find(replace(query, limit=None))
    assert real.inferences.find(replace(query, limit=None)) == expected
    found: list[Inference] = []
    after = None
    while True:
        page = real.inferences.find(replace(query, after=after))
        found += page.inferences
        after = page.next
        if after is None:
            break
        assert len(page.inferences) == query.limit
    assert tuple(found) == expected.inferences


@given(after=st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}", fullmatch=True))
def test_no_text_is_taken_for_a_cursor(both: tuple[SqliteRecords, FakeRecords], after: str) -> None:
    """Whatever is sent, it is refused by name or is a cursor."""
    with pytest.raises(InvalidRequest):
        both[0].inferences.find(InferenceQuery(limit=1, after=after))


@pytest.mark.parametrize("owner", [{"user_id": "user-1"}, {"hospital_id": "hospital-1"}])
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", SortKey)
def test_a_page_is_read_from_an_index(
    both: tuple[SqliteRecords, FakeRecords],
    owner: dict[str, Any],
    sort: SortKey,
    *,
    descending: bool,
) -> None:
    """The rows come in order from the place of the cursor on: nothing is sorted or skipped."""
    real, _ = both
    first = InferenceQuery(limit=1, sort=sort, descending=descending, **owner)
    query = replace(first, after=real.inferences.find(first).next)
    statements: list[str] = []
    with real.database.read() as connection:
        connection.set_trace_callback(statements.append)
        page_rows(connection, query)
        connection.set_trace_callback(None)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statements[-1]}").fetchall()
    (step,) = [row["detail"] for row in plan]
    column = "captured_at" if sort is SortKey.CREATED_IN else sort.value
    (owner_id,) = owner
    assert f"inferences_{owner_id.removesuffix('_id')}_{column}" in step
    assert f"({owner_id}=? AND ({column},id){'<' if descending else '>'}(?,?))" in step

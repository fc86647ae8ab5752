"""Pseudonyms: one a patient and hospital, however the RGH was typed."""

from __future__ import annotations

from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.pseudonym import N_HEX_DIGITS, patient_pseudonym, record_pseudonym

KEY = bytes(range(32))
RGH = "14259401E"
SEPARATORS = " .-/_\t\u00a0\u2011\u2013"


def pseudonym(rgh: str, hospital_id: str | None = "hospital-1") -> str:
    """Return the pseudonym under the key of these tests."""
    return patient_pseudonym(KEY, hospital_id, rgh)


@pytest.mark.parametrize(
    "rgh",
    ["14259401e", "14259401-E", "1425 9401E", "14.259.401/e", "１４２５９４０１Ｅ"],  # noqa: RUF001
)
def test_spellings_of_one_rgh_are_one_patient(rgh: str) -> None:
    """Separators, case and full-width characters change nothing."""
    assert pseudonym(rgh) == pseudonym(RGH)


@given(st.lists(st.sampled_from(SEPARATORS), min_size=10, max_size=10), st.booleans())
def test_separators_may_stand_anywhere(between: list[str], lower: bool) -> None:
    """Wherever a hand puts dots and blanks, it is the same patient."""
    spelled = "".join(gap + sign for gap, sign in zip(between, RGH + " ", strict=True))
    assert pseudonym(spelled.lower() if lower else spelled) == pseudonym(RGH)


def test_pseudonyms_that_were_published_stay() -> None:
    """An RGH as its hospital writes it keeps the pseudonym of the first release."""
    assert pseudonym(RGH) == "7789c4bc1bb38693f0ccac8dfd523889"
    assert len(pseudonym(RGH)) == N_HEX_DIGITS


def test_other_patients_have_other_pseudonyms() -> None:
    """Another digit, letter, hospital or key is another pseudonym, also without any letter."""
    others = {
        pseudonym(RGH),
        pseudonym("14259402E"),
        pseudonym("14259401F"),
        pseudonym(RGH, "hospital-2"),
        pseudonym(RGH, None),
        patient_pseudonym(bytes(32), "hospital-1", RGH),
        pseudonym("-"),
        pseudonym("?"),
    }
    assert len(others) == 8


@given(st.uuids())
def test_an_id_of_the_box_is_replaced(record_id: UUID) -> None:
    """By another UUID, the same at each export with this key and at none with another."""
    told = record_pseudonym(KEY, str(record_id))
    assert told == record_pseudonym(KEY, str(record_id))
    assert told not in {str(record_id), record_pseudonym(bytes(32), str(record_id))}
    assert UUID(told).version == 8
    assert UUID(told).variant == RFC_4122


@pytest.mark.parametrize("record_id", ["14259401E", "", "result-1"])
def test_what_is_no_uuid_becomes_one(record_id: str) -> None:
    """Whatever stands there."""
    assert UUID(record_pseudonym(KEY, record_id)).version == 8

"""The check letter of the RGH."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.core.errors import InvalidRequest
from appliance.core.rgh import HC_RULE, RghCheck, RghRule, check

DIGITS = st.text("0123456789", min_size=8, max_size=8)
DOCUMENT = {
    "pattern": "[0-9]{8}[A-K]",
    "length": 9,
    "weights": [0, 8, 7, 6, 5, 4, 3, 1],
    "modulus": 11,
    "letter_base": 64,
}


@pytest.mark.parametrize(
    ("rgh", "expected"),
    [
        ("14259401E", RghCheck.OK),
        ("13817615A", RghCheck.OK),
        ("12345678A", RghCheck.FAILED),
        ("14259401e", RghCheck.FAILED),
        ("14259401", RghCheck.FAILED),
        ("14259401EE", RghCheck.FAILED),
        ("", RghCheck.FAILED),
        ("1425940\u0661E", RghCheck.FAILED),
        ("14259401E\n", RghCheck.FAILED),
    ],
)
def test_hospital_das_clinicas(rgh: str, expected: RghCheck) -> None:
    """The rule of the 2022 app accepts and rejects what its own tests name."""
    assert check(rgh, HC_RULE) is expected


@given(st.text(max_size=20))
def test_no_rule_no_check(rgh: str) -> None:
    """Where a hospital has no rule nothing is said of an RGH."""
    assert check(rgh, None) is RghCheck.NONE


@given(st.text(max_size=20))
def test_any_text_is_checked(rgh: str) -> None:
    """No text makes the check raise."""
    assert check(rgh, HC_RULE) in {RghCheck.OK, RghCheck.FAILED}


@given(digits=DIGITS, position=st.integers(1, 7), other=st.sampled_from("0123456789"))
def test_every_wrong_digit_after_the_first_is_found(digits: str, position: int, other: str) -> None:
    """One wrong digit in places 2 to 8 changes the letter."""
    assume(other != digits[position])
    wrong = digits[:position] + other + digits[position + 1 :]
    assert check(digits + HC_RULE.letter(digits), HC_RULE) is RghCheck.OK
    assert check(wrong + HC_RULE.letter(digits), HC_RULE) is RghCheck.FAILED


def test_the_rule_survives_its_document() -> None:
    """The document of PROTOCOL.md and the constant are the same rule."""
    assert HC_RULE.document() == DOCUMENT
    assert RghRule.from_document(DOCUMENT) == HC_RULE


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"pattern": "(a+)+b"}, "rgh_rule.pattern"),
        ({"pattern": "[z-a]"}, "rgh_rule.pattern"),
        ({"pattern": 7}, "rgh_rule.pattern"),
        ({"length": 99}, "rgh_rule.length"),
        ({"length": True}, "rgh_rule.length"),
        ({"weights": [1, 2]}, "rgh_rule.weights"),
        ({"weights": "12345678"}, "rgh_rule.weights"),
        ({"modulus": 0}, "rgh_rule.modulus"),
        ({"letter_base": 0}, "rgh_rule.letter_base"),
        ({"letter_base": []}, "rgh_rule.letter_base"),
        ({"extra": 1}, "rgh_rule.extra"),
    ],
)
def test_a_faulty_rule_is_refused_by_field(change: dict[str, object], field: str) -> None:
    """Each fault of a document names its field."""
    with pytest.raises(InvalidRequest) as refusal:
        RghRule.from_document(DOCUMENT | change)
    assert field in {error.field for error in refusal.value.errors}


@pytest.mark.parametrize("document", [None, [], "x", {}])
def test_what_is_no_rule_is_refused(document: object) -> None:
    """Something else than a whole object is refused."""
    with pytest.raises(InvalidRequest):
        RghRule.from_document(document)

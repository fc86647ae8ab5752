"""Answers held against their protocol: what is promised of every form."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import InvalidForm
from appliance.core.form import (
    MESSAGES,
    alerts,
    read_legacy_form,
    soft_warnings,
    validate_form,
)
from appliance.core.form_field import AlertRange, Range
from appliance.core.protocol import Protocol, parse_protocol

CAPTURED_AT = datetime(2026, 11, 23, 14, tzinfo=UTC)
HOSPITALS = ("Hospital das Clínicas",)
REQUIRED = {
    "rgh": "14259401E",
    "local": "Hospital das Clínicas",
    "gender": "Outro",
    "mask_type": "NONE",
    "covid_status": "UNKNOWN",
}
NAMES = st.sampled_from(
    [
        "rgh",
        "age",
        "spo2",
        "spo2_at",
        "cid",
        "o2_support",
        "o2_flow_lpm",
        "hospitalized",
        "location",
        "hospitalization_end",
        "age_absent_reason",
        "zzz",
        "",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)


@st.composite
def sound_answers(draw: st.DrawFn) -> dict[str, object]:
    """Draw answers that a careful nurse could give."""
    answers: dict[str, object] = {
        **REQUIRED,
        "covid_status": draw(st.sampled_from(["TRUE", "FALSE"])),
    }
    optional = {
        "age": st.integers(0, 120),
        "spo2": st.integers(30, 100),
        "bpm": st.integers(20, 300),
        "respiratory_frequency": st.integers(3, 90),
        "respiratory_insufficiency_status": st.booleans(),
        "cid": st.sampled_from(["j960", "J96.0", "U07.1", "b342", "I10"]),
        "o2_support": st.sampled_from(["room_air", "mask", "unknown"]),
        "posture": st.sampled_from(["sitting", "lying"]),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            answers[name] = draw(values)
    if answers["covid_status"] == "TRUE":
        answers["last_positive_diagnose_date"] = str(
            draw(st.dates(datetime(2019, 12, 1).date(), CAPTURED_AT.date()))  # noqa: DTZ001
        )
    if answers.get("o2_support") == "mask":
        answers["o2_flow_lpm"] = draw(st.integers(0, 160)) / 2
    return answers


def validated(
    answers: dict[str, Any], protocol: Protocol, captured_at: datetime = CAPTURED_AT
) -> dict[str, object]:
    """Validate with the usual moment and hospitals."""
    return validate_form(answers, protocol, captured_at=captured_at, hospitals=HOSPITALS)


def codes(
    answers: dict[str, Any], protocol: Protocol, captured_at: datetime = CAPTURED_AT
) -> dict[str, str]:
    """Return field -> code of a refused form."""
    with pytest.raises(InvalidForm) as refusal:
        validated(answers, protocol, captured_at)
    return {error.field: error.code for error in refusal.value.errors}


@given(answers=sound_answers())
def test_a_valid_form_is_whole_and_stays_itself(
    answers: dict[str, object], protocol: Protocol
) -> None:
    """Every field is there in order, absent ones as None; validating again changes nothing."""
    form = validated(answers, protocol)
    assert list(form) == [field.name for field in protocol.fields]
    assert validated(form, protocol) == form
    assert json.loads(json.dumps(form)) == form


@given(answers=sound_answers(), shout=st.booleans())
def test_texts_of_2022_mean_what_they_say(
    answers: dict[str, object],
    shout: bool,
    protocol: Protocol,
) -> None:
    """The same answers sent as texts give the same form."""

    def text(value: object) -> str:
        spelled = str(value).upper() if shout else str(value).lower()
        return spelled if isinstance(value, bool) else str(value)

    parts = {name: text(value) for name, value in answers.items()}
    parts |= {"unknown_field": "x", "location": ""}
    form = read_legacy_form(parts, protocol, captured_at=CAPTURED_AT, hospitals=HOSPITALS)
    assert form == validated(answers, protocol)


@given(changes=st.dictionaries(NAMES, ANYTHING, max_size=5))
def test_any_json_is_a_form_or_a_refusal(changes: dict[str, object], protocol: Protocol) -> None:
    """Whatever arrives, the end is a whole form or InvalidForm with known codes, one a field."""
    try:
        form = validated({**REQUIRED, **changes}, protocol)
    except InvalidForm as refusal:
        named = [error.field for error in refusal.errors]
        unknown = {error.code for error in refusal.errors} - set(MESSAGES)
        assert (len(named), unknown) == (len(set(named)), set())
    else:
        assert json.dumps(form, allow_nan=False)


@given(parts=st.dictionaries(NAMES, st.text(max_size=20) | st.from_regex(r"[0-9.,eE+-]{1,30}")))
def test_any_text_is_a_form_or_a_refusal(parts: dict[str, str], protocol: Protocol) -> None:
    """Whatever the 2022 request holds, unknown fields are no error and nothing else is raised."""
    try:
        form = read_legacy_form(
            {**REQUIRED, **parts}, protocol, captured_at=CAPTURED_AT, hospitals=HOSPITALS
        )
    except InvalidForm as refusal:
        unasked = {"unknown", "hidden", "empty"}
        assert not {error.code for error in refusal.errors} & unasked  # noqa: PT017 - either end
    else:
        assert "zzz" not in form


def test_errors_never_hold_what_was_answered(protocol: Protocol) -> None:
    """A message names a rule, never the value: it may end in a log."""
    secret = "SECRET-77"
    with pytest.raises(InvalidForm) as refusal:
        validated(dict.fromkeys([*REQUIRED, "age", "cid", "zzz"], secret), protocol)
    assert secret not in repr([refusal.value, refusal.value.errors, refusal.value.details])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused(value: float, protocol: Protocol) -> None:
    """NaN compares with nothing, and must not slip between the bounds."""
    answers = {**REQUIRED, "o2_support": "mask", "o2_flow_lpm": value}
    assert codes(answers, protocol) == {"o2_flow_lpm": "type"}


def test_today_is_the_day_of_the_recording(protocol: Protocol) -> None:
    """The last day allowed is the calendar day of `captured_at`, in the offset it comes with."""
    answers = {**REQUIRED, "covid_status": "TRUE", "last_positive_diagnose_date": "2026-11-24"}
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert codes(answers, protocol, captured_at=late) == {"last_positive_diagnose_date": "future"}
    lisbon = late.astimezone(timezone(timedelta(hours=1)))
    assert validated(answers, protocol, captured_at=lisbon)


def test_an_instant_is_compared_as_an_instant(protocol: Protocol) -> None:
    """11:30 in São Paulo is after 14:00 UTC, though the clock face shows less."""
    answers = {**REQUIRED, "spo2": 95}
    assert validated({**answers, "spo2_at": "2026-11-23T10:59:59-03:00"}, protocol)
    late = {**answers, "spo2_at": "2026-11-23T11:30:00-03:00"}
    assert codes(late, protocol) == {"spo2_at": "future"}


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-11-23T24:00:00Z",
        "2026-11-23T10:00:60Z",
        "2026-11-23T10:00Z",
        "2026-11-23t10:00:00z",
        "now",
    ],
)
def test_instants_that_are_none_are_refused(text: str, protocol: Protocol) -> None:
    """Neither the ends of the calendar nor other spellings raise anything else."""
    answers = {**REQUIRED, "spo2": 95, "spo2_at": text}
    assert codes(answers, protocol) == {"spo2_at": "format"}


def test_notices_carry_their_bounds(protocol: Protocol) -> None:
    """An alert and a soft warning say which bounds were crossed, and absent answers have none."""
    form = {"spo2": 65, "respiratory_frequency": None, "age": True}
    (alert,) = alerts(form, protocol)
    assert (alert.field, alert.bounds) == ("spo2", AlertRange(at_most=91))
    (warning,) = soft_warnings(form, protocol)
    assert (warning.field, warning.bounds) == ("spo2", Range(minimum=70, maximum=100))
    assert (alerts({}, protocol), soft_warnings({}, protocol)) == ((), ())


def test_a_date_may_lean_on_an_absent_one_of_any_order(protocol_document: bytes) -> None:
    """A new protocol may bound instants by instants; without the other answer nothing is said."""
    document = json.loads(protocol_document)
    fields = document["form"]["properties"]
    fields["o2_at"] = {
        "type": "string",
        "format": "date-time",
        "x-label": {"pt-BR": "x", "en": "x"},
        "x-group": "research",
        "x-not-before": "spo2_at",
    }
    protocol = parse_protocol(json.dumps(document).encode())
    alone = {**REQUIRED, "o2_at": "2026-11-23T10:00:00Z"}
    assert validated(alone, protocol)["o2_at"] == "2026-11-23T10:00:00.000Z"
    both = {**alone, "spo2": 90, "spo2_at": "2026-11-23T10:00:01Z"}
    assert codes(both, protocol) == {"o2_at": "date-order"}

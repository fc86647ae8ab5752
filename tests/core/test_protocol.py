"""Protocol documents: the one that is shipped, and every way in which one can be wrong."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from appliance.core import protocol_rules
from appliance.core.consent_text import PURPOSES, SECTIONS
from appliance.core.errors import ProtocolInvalid
from appliance.core.form_field import FieldType, ShowIf
from appliance.core.protocol import MAX_DOCUMENT_BYTES, Protocol, parse_protocol
from appliance.core.protocol_schema import DOCUMENT_SCHEMA

Document = dict[str, Any]
Place = tuple[str | int, ...]

FIELDS = [
    "rgh",
    "local",
    "sample_type",
    "gender",
    "age",
    "mask_type",
    "spo2",
    "spo2_at",
    "o2_support",
    "o2_flow_lpm",
    "fio2_pct",
    "bpm",
    "respiratory_frequency",
    "speaks_full_sentences",
    "posture",
    "covid_status",
    "last_positive_diagnose_date",
    "hospitalized",
    "hospitalization_start",
    "hospitalization_end",
    "respiratory_insufficiency_status",
    "location",
    "cid",
]


def parsed(document: Document) -> Protocol:
    """Parse a document that is still an object."""
    return parse_protocol(json.dumps(document).encode())


def faults(document: Document) -> set[tuple[str, str]]:
    """Return the (field, code) pairs a document is refused for."""
    with pytest.raises(ProtocolInvalid) as refusal:
        parsed(document)
    return {(error.field, error.code) for error in refusal.value.errors}


def test_the_schema_of_documents_is_a_schema() -> None:
    """The schema documents are held against is itself valid."""
    Draft202012Validator.check_schema(DOCUMENT_SCHEMA)


def test_the_shipped_form_is_a_schema(protocol: Protocol) -> None:
    """Any JSON Schema implementation can read the form."""
    Draft202012Validator.check_schema(dict(protocol.form_schema))


def test_the_shipped_protocol_is_the_table(protocol: Protocol, protocol_document: bytes) -> None:
    """Fields, required ones, ranges and annotations are those of the contract, in its order."""
    fields = {field.name: field for field in protocol.fields}
    assert protocol.id == "spira-2022.1"
    assert protocol.sha256 == hashlib.sha256(protocol_document).hexdigest()
    assert list(fields) == FIELDS
    assert {name for name, field in fields.items() if field.required} == {
        "rgh",
        "local",
        "gender",
        "mask_type",
        "covid_status",
    }
    assert {name for name, field in fields.items() if field.identifying} == {"rgh"}
    assert fields["respiratory_insufficiency_status"].never_to_model
    assert not fields["spo2"].never_to_model
    assert fields["local"].from_hospitals
    assert fields["sample_type"].default == "PATIENT"
    hard = {
        name: (field.hard_range.minimum, field.hard_range.maximum)
        for name, field in fields.items()
        if field.type in {FieldType.INTEGER, FieldType.NUMBER}
    }
    assert hard == {
        "age": (0, 120),
        "spo2": (30, 100),
        "o2_flow_lpm": (0, 80),
        "fio2_pct": (21, 100),
        "bpm": (20, 300),
        "respiratory_frequency": (3, 90),
    }
    assert [(c.system, c.code) for c in fields["spo2"].codes] == [
        ("http://loinc.org", "2708-6"),
        ("http://loinc.org", "59408-5"),
    ]
    assert fields["fio2_pct"].show_if == ShowIf(
        field="o2_support", not_among=("room_air", "unknown")
    )


def test_the_shipped_recordings_are_the_table(protocol: Protocol) -> None:
    """Five recordings in their order, three required, two that decide nothing."""
    tasks = protocol.recordings
    assert [task.role for task in tasks] == ["aceite", "ruido", "sustentada", "parlenda", "frase"]
    assert protocol.required_roles == ("aceite", "sustentada", "parlenda")
    assert [task.max_s for task in tasks] == [60, 30, 60, 60, 45]
    assert [task.role for task in tasks if not task.limits.decides] == ["aceite", "ruido"]
    assert tasks[1].stop_after_s == 5
    assert tasks[2].stop_after_silence_s == 1.5
    measured = {task.role: [limit.measure for limit in task.limits.limits] for task in tasks}
    assert measured["ruido"] == ["clipped_frac"]
    assert measured["aceite"] == ["clipped_frac", "level_db", "snr_db"]
    assert measured["parlenda"] == measured["frase"]
    assert measured["sustentada"] == [*measured["frase"], "steady_frac"]


def test_the_shipped_consent_says_that_it_is_a_demonstration(protocol: Protocol) -> None:
    """Both languages hold every item, say first that nobody approved them, and have a digest."""
    assert protocol.demonstration
    for language, word in (("pt-BR", "demonstração"), ("en", "demonstration")):
        text = protocol.consents[language]
        assert text.sections[0].item == "demonstration"
        assert word in text.sections[0].text
        assert {section.item for section in text.sections[1:]} == set(SECTIONS)
        assert set(text.purposes) == set(PURPOSES)
        assert text.sha256 == hashlib.sha256(text.wording.encode()).hexdigest()
        assert "anônim" not in text.wording
        assert "anonym" not in text.wording


def test_prompts_are_those_of_the_study(protocol: Protocol) -> None:
    """The sentence is word for word the same in every language: the patient reads Portuguese."""
    sentence = "O amor ao próximo ajuda a enfrentar essa fase com a força que a gente precisa"
    assert all(sentence in prompt for prompt in protocol.recordings[4].prompts.values())
    assert protocol.recordings[1].prompts["pt-BR"] == "Por alguns segundos, ninguém fala."


def change(document: Document, place: Place, value: object) -> None:
    """Put a value in its place, or take away what stands there."""
    inside: Any = document
    for part in place[:-1]:
        inside = inside[part]
    if value is ABSENT:
        del inside[place[-1]]
    else:
        inside[place[-1]] = value


ABSENT = object()
F = ("form", "properties")
L = {"pt-BR": "x", "en": "x"}
HEIGHT = {"type": "number", "x-label": L, "x-group": "research"}


@pytest.mark.parametrize(
    ("place", "value", "field", "code"),
    [
        (("id",), ABSENT, "document", "required"),
        (("id",), "Spira 2022", "id", "invalid"),
        (("id",), "spira-2022.1\n", "id", "invalid"),
        (("languages",), ["pt-BR", "en\n"], "languages.1", "invalid"),
        ((*F, "height\n"), HEIGHT, "form.properties", "invalid"),
        ((*F, "form_id"), HEIGHT, "form.form_id", "reserved"),
        ((*F, "not_done_frase"), HEIGHT, "form.not_done_frase", "reserved"),
        (("recordings", 0, "role"), "aceite\n", "recordings.0.role", "invalid"),
        (("recordings", 0, "prompt", "en\n"), "x", "recordings.0.prompt", "invalid"),
        (("consent", "en", "sha256"), "0" * 64 + "\n", "consent.en.sha256", "invalid"),
        (("extra",), 1, "document", "unknown"),
        (("form",), [], "form", "invalid"),
        (("form", "additionalProperties"), True, "form.additionalProperties", "invalid"),
        (("form", "allOf"), [], "form", "unknown"),
        (("form", "required"), ["zzz"], "form.required", "reference"),
        (("form", "required"), ["location"], "form.location", "reference"),
        ((*F, "age", "x-unknown"), 1, "form.properties.age", "unknown"),
        ((*F, "age", "multipleOf"), 2, "form.properties.age", "unknown"),
        ((*F, "age", "x-unit"), 7, "form.properties.age.x-unit", "invalid"),
        ((*F, "age", "type"), "array", "form.properties.age.type", "invalid"),
        ((*F, "age", "pattern"), "[0-9]", "form.age.pattern", "keyword"),
        ((*F, "rgh", "minimum"), 1, "form.rgh.minimum", "keyword"),
        ((*F, "rgh", "pattern"), "(a+)+", "form.rgh.pattern", "pattern"),
        ((*F, "rgh", "maxLength"), ABSENT, "form.rgh.maxLength", "required"),
        ((*F, "age", "minimum"), 130, "form.age.minimum", "range"),
        ((*F, "age", "x-soft-range"), {"minimum": -5}, "form.age.x-soft-range", "range"),
        ((*F, "age", "x-soft-range"), {}, "form.properties.age.x-soft-range", "invalid"),
        (
            (*F, "spo2", "x-alert-range"),
            {"below": 91},
            "form.properties.spo2.x-alert-range",
            "unknown",
        ),
        (
            (*F, "spo2", "x-code"),
            [{"system": "http://loinc.org", "code": "3150-6"}],
            "form.spo2.x-code.0",
            "check-digit",
        ),
        ((*F, "age", "x-label"), {"en": "Age"}, "form.age.x-label.pt-BR", "required"),
        ((*F, "age", "x-label"), {**L, "es": "x"}, "form.age.x-label.es", "unknown"),
        ((*F, "gender", "x-enum-labels"), ABSENT, "form.gender.x-enum-labels", "required"),
        (
            (*F, "gender", "x-enum-labels", "en", "Outro"),
            ABSENT,
            "form.gender.x-enum-labels.en",
            "enum",
        ),
        ((*F, "sample_type", "default"), "NOBODY", "form.sample_type.default", "type"),
        ((*F, "age", "default"), True, "form.age.default", "type"),
        (
            (*F, "age", "x-show-if"),
            {"field": "cid", "answered": True},
            "form.age.x-show-if",
            "reference",
        ),
        ((*F, "cid", "x-show-if"), {"field": "age"}, "form.properties.cid.x-show-if", "invalid"),
        (
            (*F, "cid", "x-show-if"),
            {"field": "gender", "equals": "F"},
            "form.cid.x-show-if",
            "type",
        ),
        ((*F, "cid", "x-not-after"), "captured_at", "form.cid.x-not-after", "keyword"),
        (
            (*F, "spo2_at", "x-not-after"),
            "hospitalization_end",
            "form.spo2_at.x-not-after",
            "reference",
        ),
        (
            (*F, "hospitalization_end", "x-not-before"),
            "20190101",
            "form.hospitalization_end.x-not-before",
            "reference",
        ),
        ((*F, "x_absent_reason"), {"type": "boolean"}, "form.properties", "invalid"),
        (("recordings",), [], "recordings", "invalid"),
        (("recordings", 1, "role"), "aceite", "recordings.1.role", "duplicate"),
        (("recordings", 0, "prompt", "en"), ABSENT, "recordings.0.prompt.en", "required"),
        (("recordings", 1, "stop_after_s"), 31, "recordings.1.stop_after_s", "range"),
        (
            ("recordings", 2, "limits", "level_db"),
            {"warn_above": 0},
            "recordings.2.limits.level_db",
            "unknown",
        ),
        (("recordings", 2, "limits", "loudness"), {}, "recordings.2.limits", "unknown"),
        (
            ("recordings", 2, "limits", "level_db"),
            {"warn_below": -50, "fail_below": -42},
            "recordings.2.limits.level_db",
            "range",
        ),
        (("consent", "en"), ABSENT, "consent.en", "required"),
        (("consent", "en", "sha256"), "0" * 64, "consent.en.sha256", "digest"),
        (("consent", "en", "sections", 3, "text"), "Changed.", "consent.en.sha256", "digest"),
        (("consent", "en", "sections", 0), ABSENT, "consent.en.demonstration", "required"),
        (("consent", "en", "demonstration"), False, "consent.en.demonstration", "required"),
        (("consent", "en", "sections", 2, "item"), "costs", "consent.en.costs", "duplicate"),
        (("consent", "en", "facts", "caae"), "12345", "consent.en.facts.caae", "required"),
        (("consent", "en", "facts", "legal_basis"), ABSENT, "consent.en.facts", "required"),
        (("consent", "en", "purposes", "audio_sharing"), ABSENT, "consent.en.purposes", "required"),
    ],
)
def test_each_fault_is_named(
    protocol_document: bytes, place: Place, value: object, field: str, code: str
) -> None:
    """A document with one thing wrong is refused for that thing."""
    document = json.loads(protocol_document)
    change(document, place, value)
    assert (field, code) in faults(document)


@pytest.mark.parametrize("item", SECTIONS)
def test_no_item_of_the_consent_may_be_missing(protocol_document: bytes, item: str) -> None:
    """Each item that the CEP and the LGPD ask for refuses the protocol when it is missing."""
    document = json.loads(protocol_document)
    text = document["consent"]["pt-BR"]
    text["sections"] = [section for section in text["sections"] if section["item"] != item]
    assert (f"consent.pt-BR.{item}", "required") in faults(document)


def test_an_approved_text_needs_no_demonstration(protocol_document: bytes) -> None:
    """A text that claims no demonstration, and is whole, is taken."""
    document = json.loads(protocol_document)
    for text in document["consent"].values():
        del text["sections"][0]
        text["demonstration"] = False
        text["sha256"] = protocol_rules.consent_text(text).digest()
    assert not parsed(document).demonstration


def test_all_faults_are_listed_at_once(protocol_document: bytes) -> None:
    """Whoever writes a protocol mends everything in one go."""
    document = json.loads(protocol_document)
    document["form"]["required"] = ["zzz"]
    document["recordings"][0]["role"] = "ruido"
    document["consent"]["en"]["sha256"] = "0" * 64
    assert len(faults(document)) == 3


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "json"),
        (b"\xff", "json"),
        (b"\xef\xbb\xbf{}", "json"),
        (b'{"id": 1, "id": 2}', "json"),
        (b'{"id": NaN}', "json"),
        (b'{"id": "\\ud800"}', "json"),
        (b"[" * 100_000, "json"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "too-large"),
        (b"[]", "invalid"),
    ],
)
def test_what_is_no_document_is_refused(content: bytes, code: str) -> None:
    """Broken JSON, keys that come twice, NaN, half characters, depth and size."""
    with pytest.raises(ProtocolInvalid) as refusal:
        parse_protocol(content)
    assert refusal.value.errors[0].code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def places(value: Any, path: Place = ()) -> list[Place]:  # noqa: ANN401
    """Return the path of everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, child in inner:
        found.append((*path, key))
        if isinstance(child, dict | list):
            found += places(child, (*path, key))
    return found


SHIPPED: Document = json.loads(
    Path(__file__)
    .parents[2]
    .joinpath("appliance", "protocols", "spira-2022.1.json")
    .read_text(encoding="utf-8")
)
PLACES = places(SHIPPED)


@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_anywhere_is_read_or_refused(place: Place, value: object) -> None:
    """A value of any kind in any place raises nothing but ProtocolInvalid."""
    document = copy.deepcopy(SHIPPED)
    change(document, place, value)
    try:
        protocol = parsed(document)
    except ProtocolInvalid as refusal:
        named = [error for error in refusal.errors if error.field and error.code and error.message]
        assert len(named) == len(refusal.errors) > 0  # noqa: PT017 - either end is fine
    else:
        assert protocol.fields


@pytest.mark.parametrize(
    "code", ["2708-6", "59408-5", "9279-1", "8867-4", "3151-8", "3150-0", "2160-0"]
)
def test_loinc_codes_have_a_check_digit(code: str) -> None:
    """True codes pass; with any other last digit they do not."""
    assert protocol_rules.is_loinc(code)
    number, _, digit = code.partition("-")
    others = [f"{number}-{other}" for other in range(10) if str(other) != digit]
    assert not any(protocol_rules.is_loinc(other) for other in others)

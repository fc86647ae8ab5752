"""The manifest: what is written is read, and each rule refuses by name."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import BundleRefused
from appliance.core.manifest import Manifest, OperatingPoint, Population, RuntimeRange
from appliance.core.manifest_encoding import encode_manifest, manifest_document
from appliance.core.manifest_json import is_file_name, is_label_in_disguise, parse_manifest
from tests.bundle_builders import a_document, a_manifest, document_bytes

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
PROBABILITIES = st.floats(0.0, 1.0)
TEXTS = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=40)
TOKENS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
LISTS = st.none() | st.lists(TOKENS, min_size=1, max_size=3, unique=True).map(tuple)


POINTS = st.none() | st.builds(
    OperatingPoint,
    rule=TEXTS,
    digest=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    n_positive=st.integers(1, 10**9),
    n_negative=st.integers(1, 10**9),
    slope=st.floats(0.0, 1e6, allow_subnormal=False),
    intercept=NUMBERS,
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Draw manifests that keep the rules."""
    low, high = sorted((draw(PROBABILITIES), draw(PROBABILITIES)))
    age_min = draw(st.none() | st.integers(0, 150))
    case = a_manifest().golden.cases[0]
    return a_manifest(
        sequence=draw(st.integers(1, 2**53)),
        created_at=draw(
            st.integers(-62_135_596_800, 253_402_300_799).map(
                lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
            )
        ),
        protocols=tuple(draw(st.lists(TOKENS, min_size=1, max_size=3, unique=True))),
        population=Population(
            age_min=age_min,
            age_max=draw(st.none() | st.integers(age_min or 0, 150)),
            languages=draw(LISTS),
            sample_types=draw(LISTS),
        ),
        t_low=low,
        t_high=high,
        operating_point=draw(POINTS),
        intended_use=draw(TEXTS),
        licence=draw(TEXTS),
        demonstration=draw(st.booleans()),
        control_flow=tuple(draw(st.sets(st.sampled_from(["If", "Loop", "Scan"])))),
        metrics=tuple(
            replace(metric, value=draw(NUMBERS), low=draw(st.none() | NUMBERS))
            for metric in a_manifest().metrics
        ),
        golden=replace(
            a_manifest().golden,
            cases=(
                replace(case, probability=draw(PROBABILITIES)),
                *a_manifest().golden.cases[1:],
            ),
        ),
    )


@given(manifests())
def test_what_was_written_is_read(manifest: Manifest) -> None:
    """Every value survives, and a second writing gives the same bytes."""
    content = encode_manifest(manifest)
    assert parse_manifest(content) == manifest
    assert encode_manifest(parse_manifest(content)) == content


def test_the_bytes_are_canonical() -> None:
    """UTF-8, sorted names, no spaces, one newline: there is one spelling to sign."""
    manifest = a_manifest(intended_use="Só para demonstração.")
    content = encode_manifest(manifest)
    assert "Só para demonstração.".encode() in content
    assert content.endswith(b"}\n")
    assert list(json.loads(content)) == sorted(json.loads(content))
    assert b'": ' not in content


def test_every_member_is_required() -> None:
    """A manifest without any one of its members is refused, and the member is named."""
    for name in a_document():
        document = a_document()
        del document[name]
        assert blamed(document) == (name, "required")


POINT: dict[str, object] = {
    "rule": "by the rule",
    "digest": "0" * 64,
    "n_positive": 40,
    "n_negative": 50,
    "slope": 1.5,
    "intercept": -0.25,
}


def test_a_bundle_without_an_operating_point_has_no_such_member() -> None:
    """Bundles from before there was one keep their bytes."""
    assert b"operating_point" not in encode_manifest(a_manifest())
    assert parse_manifest(document_bytes(a_document(operating_point=POINT))).operating_point


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"rule": ""}, "rule", "length"),
        ({"digest": "0"}, "digest", "pattern"),
        ({"n_positive": 0}, "n_positive", "range"),
        ({"slope": -1.0}, "slope", "range"),
        ({"intercept": "0"}, "intercept", "type"),
        ({"t_low": 0.3}, "t_low", "unknown"),
    ],
)
def test_an_operating_point_keeps_its_rules(changes: dict[str, Any], field: str, code: str) -> None:
    """Each member under its own path."""
    document = a_document(operating_point={**POINT, **changes})
    assert blamed(document) == (f"operating_point.{field}", code)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"format": "spira-bundle/2"}, "format", "choice"),
        ({"surprise": 1}, "surprise", "unknown"),
        ({"name": "Loudness"}, "name", "pattern"),
        ({"name": "a" * 65}, "name", "pattern"),
        ({"name": "loudness\n"}, "name", "pattern"),
        ({"name": ""}, "name", "length"),
        ({"version": "1.0"}, "version", "pattern"),
        ({"version": "01.0.0"}, "version", "pattern"),
        ({"sequence": 0}, "sequence", "range"),
        ({"sequence": True}, "sequence", "type"),
        ({"sequence": 1.0}, "sequence", "type"),
        ({"created_at": "2026-02-30T00:00:00Z"}, "created_at", "instant"),
        ({"created_at": "2026-02-20T00:00:00+01:00"}, "created_at", "pattern"),
        ({"roles": []}, "roles", "length"),
        ({"roles": [{"role": "aceite", "required": True}]}, "roles.0.role", "choice"),
        ({"roles": [{"role": "frase", "required": 1}]}, "roles.0.required", "type"),
        ({"roles": [{"role": "frase", "required": True}] * 2}, "roles", "duplicate"),
        ({"sample_rate_hz": 7_999}, "sample_rate_hz", "range"),
        ({"resampler": "sinc"}, "resampler", "choice"),
        ({"protocols": []}, "protocols", "length"),
        ({"protocols": ["a", "a"]}, "protocols", "duplicate"),
        ({"population": {"age_min": 50, "age_max": 49}}, "population.age_max", "range"),
        ({"population": {"mask_types": []}}, "population.mask_types", "length"),
        ({"population": {"weight": 1}}, "population.weight", "unknown"),
        ({"t_low": -0.1}, "t_low", "range"),
        ({"t_low": 0.7}, "t_high", "range"),
        ({"t_high": 1.1}, "t_high", "range"),
        ({"t_high": "1"}, "t_high", "type"),
        ({"demonstration": "true"}, "demonstration", "type"),
        ({"demonstration": 1}, "demonstration", "type"),
        ({"opset": 12}, "opset", "range"),
        ({"onnxruntime": {"min": "2", "max": "1.20"}}, "onnxruntime", "range"),
        ({"onnxruntime": {"min": "x", "max": "2"}}, "onnxruntime.min", "pattern"),
        ({"control_flow": ["Conv"]}, "control_flow.0", "choice"),
        ({"control_flow": ["Scan", "Scan"]}, "control_flow", "duplicate"),
        ({"golden": {"tolerance": 1e-4, "cases": []}}, "golden.cases", "length"),
        ({"limits": "a\u202eb"}, "limits", "characters"),
        ({"limits": "a\u0007b"}, "limits", "characters"),
        ({"limits": "a" * 8_001}, "limits", "length"),
        ({"metrics": {}}, "metrics", "type"),
        ({"files": []}, "files", "type"),
    ],
)
def test_a_broken_rule_names_its_member(changes: dict[str, Any], field: str, code: str) -> None:
    """One wrong value is refused under its own path."""
    assert blamed(a_document(**changes)) == (field, code)


@pytest.mark.parametrize(
    "field",
    [
        "cid",
        "cid_absent_reason",
        "fio2_pct",
        "hospitalization_start",
        "hospitalized",
        "hospitalized_before",
        "local",
        "location",
        "o2_flow_lpm",
        "o2_support",
        "respiratory_insufficiency_status",
        "rgh",
        "sample_type",
    ],
)
def test_a_label_in_disguise_is_no_input(field: str) -> None:
    """What tells the diagnosis, the ward or the person never reaches a model."""
    column = {"field": field, "encoding": "number", "missing": -1.0}
    document = a_document(metadata=[column])
    assert blamed(document) == ("metadata.0.field", "label-in-disguise")
    assert is_label_in_disguise(field)


def test_the_protocol_may_keep_more_from_models() -> None:
    """A field marked `x-never-to-model` is refused where it was allowed without the mark."""
    assert parse_manifest(document_bytes(a_document()), frozenset({"spo2"})).metadata
    with pytest.raises(BundleRefused) as refused:
        parse_manifest(document_bytes(a_document()), frozenset({"age"}))
    assert refused.value.errors[0].code == "label-in-disguise"


def test_categories_belong_to_the_encoding_that_needs_them() -> None:
    """They are refused elsewhere, and missed where they are needed."""
    for column in (
        {"field": "age", "encoding": "number", "missing": 0, "categories": {"a": 1}},
        {"field": "mask_type", "encoding": "category", "missing": 0},
    ):
        assert blamed(a_document(metadata=[column])) == ("metadata.0", "categories")
    empty = {"field": "mask_type", "encoding": "category", "missing": 0, "categories": {}}
    assert blamed(a_document(metadata=[empty])) == ("metadata.0.categories", "length")


@pytest.mark.parametrize(
    ("member", "value", "field", "code"),
    [
        ("recordings", {"sustentada": "golden/x.wav"}, "recordings.parlenda", "required"),
        ("recordings", {"ruido": "golden/x.wav"}, "recordings.ruido", "unknown"),
        ("metadata", {"spo2": 90}, "metadata.spo2", "unknown"),
        ("metadata", {"age": [1]}, "metadata.age", "type"),
        ("probability", 1.5, "probability", "range"),
        ("id", "a/b", "id", "pattern"),
    ],
)
def test_a_golden_case_is_one_the_model_can_take(
    member: str, value: object, field: str, code: str
) -> None:
    """It has the required recordings and none, and no answer, that the model does not know."""
    document = a_document()
    document["golden"]["cases"][0][member] = value
    assert blamed(document) == (f"golden.cases.0.{field}", code)


@pytest.mark.parametrize(
    "name",
    [
        "../model.onnx",
        "golden/../../keys/token.key",
        "/etc/passwd",
        "golden//a.wav",
        "golden/",
        ".hidden",
        "golden/.hidden",
        "Model.onnx",
        "golden/á.wav",
        "golden\\a.wav",
        "a" * 65,
        "a/b/c/d/e",
        "model.onnx\n",
        "",
    ],
)
def test_names_that_lead_elsewhere_cannot_be_spelled(name: str) -> None:
    """Neither parents, nor roots, nor hidden files, nor two spellings of one name."""
    assert not is_file_name(name)
    document = a_document()
    document["files"][name] = {"bytes": 1, "sha256": "0" * 64}
    assert refusal(document).details["reason"] == "manifest-invalid"


@pytest.mark.parametrize(
    "name", ["weights.bin", "model.pt", "golden/x.wav", "model.pkl", "scaler.joblib", "a.npy"]
)
def test_files_that_nothing_needs_are_refused(name: str) -> None:
    """Graph, card and the golden recordings of its cases: a pickle has no place to be."""
    document = a_document()
    document["files"][name] = {"bytes": 1, "sha256": "0" * 64}
    assert blamed(document) == ("files", "set")


@pytest.mark.parametrize("name", ["model.onnx", "card.md", "golden/loud-parlenda.wav"])
def test_files_that_something_needs_are_missed(name: str) -> None:
    """Each file but the manifest and its signature is named with length and hash."""
    document = a_document()
    del document["files"][name]
    assert blamed(document) == ("files", "set")


def test_golden_recordings_are_wavs_in_their_folder() -> None:
    """A case cannot point at the graph, or at a pickle."""
    for name in ("model.onnx", "golden/x.pkl"):
        document = a_document()
        document["golden"]["cases"][0]["recordings"]["sustentada"] = name
        assert blamed(document) == ("files", "golden")


def test_files_are_bounded_together() -> None:
    """Two files that are each allowed may be too much."""
    document = a_document()
    for name in ("model.onnx", "card.md"):
        document["files"][name]["bytes"] = 2 * 1024**3
    assert blamed(document) == ("files", "total")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"a":1,"a":1}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b" " * (1024 * 1024 + 1),
        b'{"a":1' + b"0" * 5_000 + b"}",
        b'{"\\ud800":1}',
    ],
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    """Broken, doubled, endless or nested bytes are refused, never an error of the reader."""
    with pytest.raises(BundleRefused):
        parse_manifest(content)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(sorted(a_document())),
)
def test_any_value_in_any_place_is_read_or_refused(value: object, name: str) -> None:
    """Whatever stands in a member: a manifest or a refusal, nothing else comes of it."""
    content = json.dumps(a_document(**{name: value})).encode()
    with contextlib.suppress(BundleRefused):
        assert manifest_document(parse_manifest(content))[name] == value


@pytest.mark.parametrize(
    ("version", "included"),
    [
        ("1.20", True),
        ("1.20.0", True),
        ("1.32.0", True),
        ("1.19.9", False),
        ("2.0.0", False),
        ("2.0.0rc1", False),
        ("1.100.0", True),
        ("1.21.0+cpu", True),
        ("nonsense", False),
    ],
)
def test_a_range_of_runtimes(version: str, included: bool) -> None:
    """The minimum is in it, the maximum is not, and numbers are compared as numbers."""
    assert RuntimeRange(minimum="1.20", below="2").includes(version) is included


def blamed(document: object) -> tuple[str, str]:
    """Return path and code of the one thing a document is refused for."""
    (error,) = refusal(document).errors
    return error.field, error.code


def refusal(document: object) -> BundleRefused:
    """Return the refusal of a document."""
    with pytest.raises(BundleRefused) as refused:
        parse_manifest(document_bytes(document))
    return refused.value

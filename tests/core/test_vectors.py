"""The shared vector file, run whole; the tablet's tests run the same file.

`valid_forms` and `invalid_forms` are typed answers with the complete form or the (field, code)
pairs expected; the `legacy_` ones are multipart texts of 2022, which only the box reads. `sounds`
are made by `synthesis`, measured within `tolerances` and judged; `patterns` are searched for in
texts; `wavs` are exact files.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.core.errors import InvalidForm
from appliance.core.form import alerts, read_legacy_form, soft_warnings, validate_form
from appliance.core.patterns import APP_VERSION, CODE_WORD, LANGUAGE_TAG, SHA256
from appliance.core.protocol import Protocol
from appliance.core.protocol_schema import PROTOCOL_PATTERNS
from appliance.core.quality import judge, measure
from appliance.core.rgh import RghRule, check
from appliance.core.wav import read_wav, write_wav
from tests.core.synthesis import pcm

VECTORS: dict[str, Any] = json.loads(
    Path(__file__).parents[1].joinpath("vectors", "spira-2022.1.json").read_text(encoding="utf-8")
)
CAPTURED_AT = datetime.fromisoformat(VECTORS["captured_at"])
HOSPITALS: list[str] = VECTORS["hospitals"]

Vector = dict[str, Any]


def cases(part: str) -> pytest.MarkDecorator:
    """Run a test once a vector of this part."""
    return pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS[part]])


def test_the_vectors_are_of_the_shipped_protocol(protocol: Protocol) -> None:
    """Whoever changes the document makes new vectors."""
    assert VECTORS["protocol"] == {"id": protocol.id, "sha256": protocol.sha256}


@cases("valid_forms")
def test_valid_answers_become_the_whole_form(vector: Vector, protocol: Protocol) -> None:
    """Answers are normalised and completed, in order, and notices name their fields."""
    form = validate_form(vector["answers"], protocol, captured_at=CAPTURED_AT, hospitals=HOSPITALS)
    assert json.dumps(form) == json.dumps(vector["form"])
    assert [alert.field for alert in alerts(form, protocol)] == vector["alerts"]
    assert [soft.field for soft in soft_warnings(form, protocol)] == vector["soft_warnings"]


@cases("invalid_forms")
def test_invalid_answers_are_named(vector: Vector, protocol: Protocol) -> None:
    """Every field at fault is named once, in protocol order, with its code."""
    with pytest.raises(InvalidForm) as refusal:
        validate_form(vector["answers"], protocol, captured_at=CAPTURED_AT, hospitals=HOSPITALS)
    assert [[e.field, e.code] for e in refusal.value.errors] == vector["errors"]


@cases("legacy_valid_forms")
def test_what_the_2022_app_sends_is_understood(vector: Vector, protocol: Protocol) -> None:
    """Texts become typed answers; what was forgotten or not asked is absent."""
    form = read_legacy_form(vector["parts"], protocol, captured_at=CAPTURED_AT, hospitals=HOSPITALS)
    assert json.dumps(form) == json.dumps(vector["form"])


@cases("legacy_invalid_forms")
def test_what_the_2022_app_may_not_send_is_named(vector: Vector, protocol: Protocol) -> None:
    """Only what is missing and required, or outside what is allowed, is refused."""
    with pytest.raises(InvalidForm) as refusal:
        read_legacy_form(vector["parts"], protocol, captured_at=CAPTURED_AT, hospitals=HOSPITALS)
    assert [[e.field, e.code] for e in refusal.value.errors] == vector["errors"]


@cases("rgh")
def test_rgh_letters_are_checked(vector: Vector) -> None:
    """The hospital's rule says ok or failed; no rule says none."""
    rule = None if vector["rule"] is None else RghRule.from_document(vector["rule"])
    assert check(vector["rgh"], rule) == vector["check"]


@cases("sounds")
def test_sounds_are_measured_and_judged(vector: Vector, protocol: Protocol) -> None:
    """Each measure is within its tolerance and the verdict is the expected one."""
    rate_hz = vector["sample_rate_hz"]
    wav = read_wav(write_wav(pcm(vector["segments"], rate_hz), rate_hz))
    measures = measure(wav.waveform(), rate_hz)
    for name, tolerance in VECTORS["tolerances"].items():
        expected = vector["measures"][name]
        assert getattr(measures, name) == pytest.approx(expected, abs=tolerance + 1e-6), name
    limits = {task.role: task.limits for task in protocol.recordings}[vector["role"]]
    verdict = judge(measures, limits, room_noise_db=vector["room_noise_db"])
    assert (verdict.verdict, list(verdict.reasons)) == (vector["verdict"], vector["reasons"])


@cases("patterns")
def test_patterns_end_where_the_text_ends(vector: Vector) -> None:
    """Our patterns, searched for as JSON Schema does, say the same in both languages."""
    ours = {*PROTOCOL_PATTERNS, SHA256, LANGUAGE_TAG, CODE_WORD, APP_VERSION}
    assert vector["pattern"] in ours
    assert bool(re.search(vector["pattern"], vector["text"])) == vector["matches"]


def test_every_pattern_has_its_vectors() -> None:
    """No pattern of documents and requests is read by one engine alone."""
    tried = {vector["pattern"] for vector in VECTORS["patterns"] if not vector["matches"]}
    assert {*PROTOCOL_PATTERNS, SHA256, LANGUAGE_TAG, CODE_WORD, APP_VERSION} <= tried


@cases("wavs")
def test_files_are_written_byte_for_byte(vector: Vector) -> None:
    """The canonical file of given samples is always the same."""
    samples = np.array(vector["pcm"], dtype=np.int16)
    content = base64.b64decode(vector["base64"])
    assert write_wav(samples, vector["sample_rate_hz"]) == content
    assert read_wav(content).pcm.tolist() == vector["pcm"]

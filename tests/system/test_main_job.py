"""The main job on a real box: recordings and form go in, a pre-diagnosis comes out."""

from __future__ import annotations

import csv
import json
import uuid
from pathlib import Path

import httpx
import pytest

from tests.commands.console import EVERYTHING
from tests.system.boxes import Box, run_spira

pytestmark = pytest.mark.system

DIAGNOSES = {"positive", "negative", "inconclusive"}


def test_the_request_of_2022_gives_a_completed_result(
    box: Box, phone_recordings: dict[str, bytes]
) -> None:
    """Real recordings through multipart are scored by the demonstration model."""
    nurse = box.sign_in("nurse")

    answer = nurse.post_2022(phone_recordings)

    assert answer.status_code == httpx.codes.OK, answer.text
    found = nurse.wait_for_result(answer.json()["inference_id"])
    assert found["inference"]["status"] == "completed"
    assert found["result"]["diagnosis"] in DIAGNOSES
    assert 0.0 <= found["result"]["probability"] <= 1.0
    assert found["result"]["demonstration"] is True
    assert found["inference"]["sample_type"] == "TEST"


def test_raw_puts_give_the_same_probability_as_multipart(
    box: Box, phone_recordings: dict[str, bytes]
) -> None:
    """One way for all: the two requests lead to the same score of the same sound."""
    nurse = box.sign_in("nurse")
    posted = nurse.post_2022(phone_recordings).json()["inference_id"]
    ids = {}
    for role, content in phone_recordings.items():
        answer = nurse.put_recording(role, content)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        ids[role] = answer.json()["id"]
    inference_id = str(uuid.uuid4())

    answer = nurse.put_inference(nurse.inference_body(ids), inference_id=inference_id)

    assert answer.status_code == httpx.codes.CREATED, answer.text
    first = nurse.wait_for_result(posted)["result"]
    second = nurse.wait_for_result(inference_id)["result"]
    assert first["probability"] == second["probability"]
    assert first["graph_sha256"] == second["graph_sha256"]


def test_everything_may_be_sent_twice(box: Box, golden: dict[str, bytes]) -> None:
    """The same id and content is the same answer; the same id and other content is 409."""
    nurse = box.sign_in("nurse")
    ids = {}
    for role, content in golden.items():
        ids[role] = str(uuid.uuid4())
        statuses = [
            nurse.put_recording(role, content, recording_id=ids[role]).status_code for _ in range(2)
        ]
        assert statuses == [httpx.codes.CREATED, httpx.codes.OK]
    body = nurse.inference_body(ids)
    inference_id = str(uuid.uuid4())

    first = nurse.put_inference(body, inference_id=inference_id)
    again = nurse.put_inference(body, inference_id=inference_id)
    other = nurse.put_inference({**body, "stopped_early": True}, inference_id=inference_id)

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert len(nurse.http.get(f"{nurse.home}/inferences").json()["inferences"]) == 1


@pytest.mark.parametrize("served", [True, False], ids=["with a server", "without a server"])
def test_the_console_infers_with_and_without_a_server(
    tmp_path: Path, phone_recordings: dict[str, bytes], served: bool
) -> None:
    """`spira infer` goes the same way, whoever computes the result."""
    box = Box.make(tmp_path)
    if served:
        box.start()
    form = tmp_path / "form.json"
    form.write_text(
        json.dumps(
            {
                "rgh": "14259401E",
                "local": "Outro",
                "gender": "Masculino",
                "mask_type": "THIN",
                "covid_status": "UNKNOWN",
            }
        )
    )
    arguments = ["infer", "--json", "--data", str(box.data), "--form", str(form)]
    for role, content in phone_recordings.items():
        path = tmp_path / f"{role}.wav"
        path.write_bytes(content)
        arguments += ["--recording", f"{role}={path}"]

    done = run_spira(*arguments)

    if served:
        assert box.stop() == 0
    assert json.loads(done.stdout)["result"]["diagnosis"] in DIAGNOSES


def test_the_export_holds_what_was_sent_and_nobody_s_name(
    box: Box, golden: dict[str, bytes], tmp_path: Path
) -> None:
    """One row an inference, one a result, and no RGH anywhere."""
    nurse = box.sign_in("nurse")
    inference_id = nurse.post_2022(golden).json()["inference_id"]
    nurse.wait_for_result(inference_id)

    run_spira("export", str(tmp_path / "out"), *EVERYTHING, "--data", str(box.data))

    with (tmp_path / "out" / "inferences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["spo2"] for row in rows] == ["93"]
    whole = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert b"14259401E" not in whole
    assert inference_id.encode() not in whole

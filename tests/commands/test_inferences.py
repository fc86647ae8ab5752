"""The main job from the console, without a server: the same way, the same rules."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bundle_builders import a_bundle, a_manifest, a_wav
from tests.commands.console import EVERYTHING, Console

AUDIO = {".wav", ".part"}


def _states(box: Console) -> dict[str, str]:
    """Return the state of each version."""
    return {v["version"]: v["state"] for v in box.json("models", "list")["versions"]}


def test_the_console_gives_a_pre_diagnosis(box: Console) -> None:
    """Form and recordings go in, and the answer of the active model comes out."""
    said = box.json("infer", *box.form(), *box.recordings())

    result = said["result"]
    assert said["inference"]["status"] == "completed"
    assert said["inference"]["consent"] == "unverified"
    assert result["model_name"] == "loudness"
    assert 0.0 <= result["probability"] <= 1.0
    assert result["demonstration"] is True


def test_nothing_of_the_patient_is_printed(box: Console) -> None:
    """Neither the answer nor the lists hold an RGH."""
    texts = [box.run("infer", *box.form(), *box.recordings()).stdout]
    (inference,) = box.json("inferences", "list")["inferences"]
    texts.append(box.run("inferences", "list").stdout)
    texts.append(box.run("inferences", "show", inference["id"]).stdout)

    assert inference["id"] in texts[0]
    assert not any("14259401" in text for text in texts)


def test_without_waiting_the_result_stays_queued(box: Console) -> None:
    """A box that is started later computes it."""
    said = box.json("infer", "--no-wait", *box.form(), *box.recordings())

    assert said["inference"]["status"] == "processing"
    assert said["result"]["state"] == "queued"


def test_a_withdrawn_inference_leaves_the_export(box: Console, tmp_path: Path) -> None:
    """Who takes the consent back is in no export from then on, with no visit before."""
    box.json("infer", *box.form(age=40), *box.recordings())
    box.json("infer", *box.form(age=41, rgh="13817615A"), *box.recordings())
    withdrawn = box.json("infer", *box.form(age=42), *box.recordings())["inference"]["id"]

    said = box.json("inferences", "withdraw", withdrawn)
    counts = box.json("export", str(tmp_path / "out"), *EVERYTHING)["export"]

    assert said["inference_id"] == withdrawn
    assert (counts["n_inferences"], counts["n_without_consent"]) == (1, 2)
    with (tmp_path / "out" / "inferences.csv").open(encoding="utf-8", newline="") as file:
        assert [row["age"] for row in csv.DictReader(file)] == ["41"]
    assert box.error("inferences", "withdraw", "00000000-0000-4000-8000-000000000000") == (
        5,
        "inference-not-found",
    )


def test_lists_go_on_where_they_ended(box: Console) -> None:
    """The cursor of a page leads to the next one."""
    for _ in range(3):
        box.json("infer", "--no-wait", *box.form(), *box.recordings())

    first = box.json("inferences", "list", "--limit", "2")
    second = box.json("inferences", "list", "--limit", "2", "--after", first["next"])

    ids = [i["id"] for i in (*first["inferences"], *second["inferences"])]
    assert len(set(ids)) == 3
    assert second["next"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"spo2": 300}, "spo2"), ({"gender": None}, "gender"), ({"name": "Ana"}, "name")],
)
def test_a_form_that_is_not_valid_is_refused(
    box: Console, changes: dict[str, object], field: str
) -> None:
    """The field is named, its value is not, and nothing is stored."""
    said = box.run("infer", *box.form(**changes), *box.recordings(), "--json")

    assert (said.status, said.error) == (3, "invalid-form")
    assert [fault["field"] for fault in said.document["error"]["errors"]] == [field]
    assert box.json("inferences", "list")["inferences"] == []
    assert {path.suffix for path in (box.directory / "audio").rglob("*")}.isdisjoint(AUDIO)


def test_a_recording_that_is_none_is_refused(box: Console) -> None:
    """What is no WAV leaves nothing behind, not even the good ones sent with it."""
    options = box.recordings(parlenda=b"ID3 not a wav")

    assert box.error("infer", *box.form(), *options) == (3, "unsupported-audio")
    left = [path.suffix for path in (box.directory / "audio").iterdir()]
    assert not {".wav", ".part"} & set(left)


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        '{"spo2": NaN}',
        "[]",
        '{"\\ud83d": 1}',
        b" " * (1024 * 1024 + 1),
    ],
    ids=["deep", "deep and whole", "no number", "no object", "half a character", "long"],
)
def test_a_form_that_is_no_json_object_is_refused(box: Console, content: bytes | str) -> None:
    """Whatever the file holds, the answer is a refusal and no traceback."""
    form = box.file("form.json", content)

    assert box.error("infer", "--form", form, *box.recordings()) == (3, "malformed-request")


def test_the_nurse_is_never_guessed(box: Console) -> None:
    """With two nurses `infer` asks for whom it is."""
    box.json("users", "add", "bia", "--hospital", "Hospital das Clínicas", "--generate")

    assert box.error("infer", *box.form(), *box.recordings()) == (3, "invalid-request")
    said = box.json("infer", "--user", "bia", *box.form(), *box.recordings())

    users = {user["username"]: user["id"] for user in box.json("users", "list")["users"]}
    assert said["inference"]["user_id"] == users["bia"]


def test_numbers_of_a_form_stay_as_they_are(box: Console, tmp_path: Path) -> None:
    """A valid number is taken with every digit, however JSON spells it."""
    answers = {"o2_support": "mask", "o2_flow_lpm": 0.1 + 0.2}
    box.json("infer", "--no-wait", *box.form(**answers), *box.recordings())
    box.json(
        "infer", "--no-wait", *box.form(o2_support="mask", o2_flow_lpm=1e-07), *box.recordings()
    )

    box.json("export", str(tmp_path / "out"), *EVERYTHING)

    with (tmp_path / "out" / "inferences.csv").open(encoding="utf-8", newline="") as file:
        flows = {row["o2_flow_lpm"] for row in csv.DictReader(file)}
    assert flows == {"0.30000000000000004", "1e-07"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--form", "absent.json", "--recording", "a=b"), (5, "file-missing")),
        (("--recording", "a=b"), (2, "usage")),
        (("--form", "FORM", "--recording", "aceite"), (3, "invalid-request")),
        (("--form", "FORM", "--recording", "aceite=absent.wav"), (5, "file-missing")),
        (("--form", "WAV", "--recording", "aceite=WAV"), (3, "malformed-request")),
        (("--form", "FORM", "--recording", "aceite=WAV"), (3, "invalid-form")),
        (("--form", "FORM", "--recording", "aceite=WAV", "--user", "x"), (5, "user-not-found")),
        (("--form", "FORM", "--recording", "aceite=WAV", "--model", "x"), (5, "model-not-found")),
    ],
)
def test_what_is_wrong_with_a_request_is_said_by_name(
    box: Console, arguments: tuple[str, ...], expected: tuple[int, str]
) -> None:
    """Each refusal has its exit status and its code."""
    form, wav = box.form()[1], box.file("a.wav", a_wav())
    words = [word.replace("FORM", form).replace("WAV", wav) for word in arguments]

    assert box.error("infer", *words) == expected


def test_an_inference_that_is_not_there(box: Console) -> None:
    """An unknown id is missing, a text that is none is refused."""
    absent = "00000000-0000-4000-8000-000000000000"
    assert box.error("inferences", "show", absent) == (5, "inference-not-found")
    assert box.error("inferences", "show", "x") == (3, "invalid-request")
    assert box.error("inferences", "list", "--after", "x") == (3, "invalid-request")
    assert box.error("inferences", "list", "--limit", "0") == (2, "usage")


def test_models_are_installed_activated_and_rolled_back(box: Console) -> None:
    """A second version answers after activation, and the first again after a rollback."""
    newer = replace(a_manifest(), version="1.1.0", sequence=2)
    box.json("models", "install", box.file("new.spira", a_bundle(newer)))
    states = _states(box)
    box.json("models", "activate", "loudness")
    active = _states(box)
    box.json("models", "rollback", "loudness")

    assert states == {"1.0.0": "active", "1.1.0": "installed"}
    assert active == {"1.0.0": "installed", "1.1.0": "active"}
    assert _states(box) == states
    assert all(version["ok"] for version in box.json("models", "verify")["versions"])


def test_a_damaged_model_is_found(box: Console) -> None:
    """`verify` names the version and ends with the status of a model at fault."""
    graph = next((box.directory / "bundles").rglob("model.onnx"))
    graph.chmod(0o600)
    graph.write_bytes(graph.read_bytes()[:-1])

    said = box.run("models", "verify", "--json")

    assert said.status == 6
    (version,) = said.document["versions"]
    assert (version["ok"], version["fault"]["code"]) == (False, "model-unavailable")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("install", "absent.spira"), (5, "file-missing")),
        (("activate", "loudness@9.9.9"), (5, "model-not-found")),
        (("activate", "nothing"), (5, "model-not-found")),
        (("rollback", "nothing"), (5, "model-not-found")),
        (("rollback", "loudness"), (3, "nothing-to-roll-back")),
        (("verify", "nothing"), (5, "model-not-found")),
    ],
)
def test_what_is_wrong_with_a_model_is_said_by_name(
    box: Console, arguments: tuple[str, ...], expected: tuple[int, str]
) -> None:
    """Each refusal has its exit status and its code."""
    assert box.error("models", *arguments) == expected


def test_a_bundle_of_a_stranger_is_refused(box: Console) -> None:
    """What is not signed by a trusted key is not even opened."""
    box.json("keys", "revoke", box.json("keys", "list")["keys"][0]["fingerprint"])
    newer = replace(a_manifest(), version="1.1.0", sequence=2)

    file = box.file("new.spira", a_bundle(newer))
    assert box.error("models", "install", file) == (6, "bundle-untrusted")


def test_export_and_doctor_from_the_console(box: Console, tmp_path: Path) -> None:
    """What was inferred is exported without the RGH; the doctor tells a program of it."""
    inference = box.json("infer", *box.form(), *box.recordings())["inference"]

    counts = box.json("export", str(tmp_path / "out"), *EVERYTHING)["export"]
    said = box.run("doctor", "--json")

    assert (counts["n_inferences"], counts["n_results"], counts["n_recordings"]) == (1, 1, 3)
    whole = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert inference["id"].encode() not in whole
    assert b"14259401" not in whole
    assert counts["n_test"] == 0
    bare = box.json("export", str(tmp_path / "bare"))["export"]
    assert (bare["n_inferences"], bare["n_unverified"]) == (0, 1)
    codes = {finding["code"] for finding in said.document["findings"]}
    assert "demonstration-model-active" in codes
    assert "jobs-stuck" not in codes
    assert box.error("export", str(tmp_path / "out"), *EVERYTHING) == (3, "target-not-empty")


def test_the_doctor_has_a_status_of_its_own(box: Console) -> None:
    """A script learns that something is wrong without reading."""
    box.directory.chmod(0o755)

    said = box.run("doctor", "--json")

    assert said.status == 8
    assert "files-open-to-others" in {finding["code"] for finding in said.document["findings"]}

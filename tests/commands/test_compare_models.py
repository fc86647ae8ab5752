"""`spira models compare` and `spira models shadow` on a real box."""

from __future__ import annotations

import csv
from pathlib import Path

from appliance.bootstrap import open_appliance
from appliance.settings import read_settings
from tests.bundle_builders import a_bundle, a_manifest
from tests.commands.console import Console


def _install(box: Console, number: int, *options: str, **changes: object) -> str:
    manifest = a_manifest(version=f"{number}.0.0", sequence=number, demonstration=False, **changes)
    bundle = box.file(f"loudness-{number}.spira", a_bundle(manifest))
    version = box.json("models", "install", bundle, *options)["version"]
    return f"{version['model']}@{version['version']}"


def test_two_versions_are_compared_on_what_both_answered(box: Console, tmp_path: Path) -> None:
    """A version with other thresholds flips what lies between; ids are told, patients are not."""
    first = _install(box, 2, "--activate")
    said = box.json("infer", *box.form(), *box.recordings())
    inference_id, probability = said["inference"]["id"], said["result"]["probability"]
    other = "positive" if said["result"]["diagnosis"] != "positive" else "negative"
    limit = probability / 2 if other == "positive" else (1 + probability) / 2
    box.json("infer", "--no-wait", *box.form(), *box.recordings())
    second = _install(box, 3, t_low=limit, t_high=limit)
    box.json("rescore", "--model", second)

    found = box.json("models", "compare", first, second, "--csv", str(tmp_path / "pairs.csv"))

    assert (found["n_inferences"], found["n_patients"], found["agreement"]) == (1, 1, 0.0)
    assert sum(map(sum, found["table"])) == 1
    (flip,) = found["flips"]
    assert (flip["inference_id"], flip["second"]) == (inference_id, other)
    assert flip["first_probability"] == flip["second_probability"] == probability
    with (tmp_path / "pairs.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["inference_id"], row["flip"]) == (inference_id, "true")
    with open_appliance(read_settings({}, directory=box.directory)) as appliance:
        (entry,) = (
            row.entry for row in appliance.audit.rows() if row.entry.action == "model.compared"
        )
    assert entry.details["n_inferences"] == 1
    text = box.run("models", "compare", first, second).stdout
    assert f"  {inference_id}: {said['result']['diagnosis']} -> {other}" in text
    again = ("models", "compare", first, second, "--csv", str(tmp_path / "pairs.csv"))
    assert box.error(*again)[1] == "target-not-empty"


def test_tests_are_compared_only_where_asked_for(box: Console) -> None:
    """They say nothing of a patient; and two visits of one patient are told from two patients."""
    first = _install(box, 2, "--activate")
    for changes in ({"sample_type": "TEST"}, {}, {"rgh": "1425-9401-E"}):
        box.json("infer", *box.form(**changes), *box.recordings())
    second = _install(box, 3)
    versions = (first, second)
    box.json("rescore", "--model", second)

    found = box.json("models", "compare", *versions)
    everything = box.json("models", "compare", *versions, "--include-test")

    assert (found["n_inferences"], found["n_patients"], found["n_test_left_out"]) == (2, 1, 1)
    assert (everything["n_inferences"], everything["n_test_left_out"]) == (3, 0)
    said = box.run("models", "compare", *versions).stdout
    assert "2 inferences of 1 patients" in said
    assert "1 tests are left out: --include-test" in said


def test_a_withdrawn_inference_is_not_compared(box: Console) -> None:
    """Nor does anything divide by nothing."""
    first = _install(box, 2, "--activate")
    inference_id = box.json("infer", *box.form(), *box.recordings())["inference"]["id"]
    second = _install(box, 3)
    box.json("rescore", "--model", second)
    box.json("inferences", "withdraw", inference_id)

    found = box.json("models", "compare", first, second)

    assert (found["n_inferences"], found["agreement"], found["kappa"]) == (0, None, None)
    assert box.run("models", "compare", second, second).status == 0


def test_a_shadow_scores_what_comes_until_it_is_ended(box: Console) -> None:
    """The active version cannot be one."""
    second = _install(box, 2)

    assert box.json("models", "shadow", second)["version"]["state"] == "shadow"
    inference_id = box.json("infer", *box.form(), *box.recordings())["inference"]["id"]
    results = box.json("inferences", "show", inference_id)["results"]
    assert [result["shadow"] for result in results] == [False, True]
    assert box.json("models", "shadow", second, "--end")["version"]["state"] == "installed"
    assert box.error("models", "shadow", second.replace("@2", "@1")) == (3, "invalid-request")

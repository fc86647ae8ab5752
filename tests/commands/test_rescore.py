"""`spira rescore` on a real box, alone and beside a server."""

from __future__ import annotations

import threading
import time
from typing import Any

from appliance.bootstrap import open_appliance
from appliance.core.ids import InferenceId
from appliance.one_server import only_server
from appliance.settings import read_settings
from appliance.usecases.predict import predict_next
from tests.bundle_builders import a_bundle, a_manifest
from tests.commands.console import Console


def _installed(box: Console) -> str:
    """Install a second version beside the active one and return its name."""
    bundle = box.file("loudness-2.spira", a_bundle(a_manifest(version="2.0.0", sequence=2)))
    version = box.json("models", "install", bundle)["version"]
    return f"{version['model']}@{version['version']}"


def _infer(box: Console, *options: str) -> str:
    said = box.json("infer", *options, *box.form(), *box.recordings())
    return str(said["inference"]["id"])


def _results(box: Console, inference_id: str) -> list[Any]:
    said = box.json("inferences", "show", inference_id)
    return list(said.get("results") or [said["result"]])


def test_stored_inferences_are_scored_by_another_version_once(box: Console) -> None:
    """Its result lies beside the first as a shadow; a second run has nothing to do."""
    named = _installed(box)
    inference_id = _infer(box)

    first = box.json("rescore", "--model", named)
    again = box.json("rescore", "--model", named)

    assert first["inferences"] == {
        "scored": 1,
        "known": 0,
        "waiting": 0,
        "left-out": 0,
        "failed": 0,
    }
    assert again["inferences"]["known"] == 1
    own, shadow = _results(box, inference_id)
    assert (own["shadow"], shadow["shadow"], shadow["model_version"]) == (False, True, "2.0.0")
    assert box.json("verify")["findings"] == []
    assert box.error("rescore", "--model", "nobody") == (5, "model-not-found")
    later = box.json("rescore", "--model", named, "--since", "2999-01-01")
    assert set(later["inferences"].values()) == {0}


def test_live_work_comes_first(box: Console) -> None:
    """While a server has a result to compute, not one run begins; then they all are made."""
    named = _installed(box)
    past = _infer(box)
    live = _infer(box, "--no-wait")
    said = []
    rescoring = threading.Thread(
        target=lambda: said.append(box.run("rescore", "--model", named, "--json"))
    )
    settings = read_settings({}, directory=box.directory)
    with only_server(box.directory), open_appliance(settings, serving=True) as appliance:
        rescoring.start()
        time.sleep(1.0)
        assert rescoring.is_alive()
        assert len(appliance.inferences.results(InferenceId(past))) == 1
        assert predict_next(None, scoring=appliance.scoring()) is not None
        rescoring.join(30.0)

    assert said[0].document["inferences"]["scored"] == 2
    assert [result["shadow"] for result in _results(box, live)] == [False, True]

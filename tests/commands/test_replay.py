"""`spira replay`, with the real graph on a real box."""

from __future__ import annotations

from tests.commands.console import Console


def test_a_real_result_is_found_again(box: Console) -> None:
    """Stored and new probability are told, and agree to far less than the tolerance."""
    result = box.json("infer", *box.form(), *box.recordings())["result"]

    said = box.json("replay", result["inference_id"])

    (one,) = said["results"]
    assert said["agrees"] is True
    assert one["difference"] < 1e-6
    assert one["stored"]["probability"] == result["probability"]


def test_a_result_that_is_not_found_again_ends_with_status_6(box: Console) -> None:
    """A bundle that went missing is named in the answer."""
    result = box.json("infer", *box.form(), *box.recordings())["result"]
    for graph in box.directory.glob("bundles/*/model.onnx"):
        graph.unlink()

    said = box.run("replay", result["inference_id"], "--json")

    assert (said.status, said.document["agrees"]) == (6, False)
    assert said.document["results"][0]["now"]["reason"] == "model-unavailable"
    assert "DOES NOT AGREE" in box.run("replay", result["inference_id"]).stdout

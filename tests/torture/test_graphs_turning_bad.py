"""Graphs that pass every test of their installation, and turn bad at a patient's recording."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.bundle_builders import a_wav, one_role_bundle
from tests.form_2022 import FORM_2022
from tests.torture.trial import Trial
from tests.torture.ward import JOB_TIMEOUT_S, Ward, is_whole

LOUD: Final = {
    "aceite": a_wav(0.2, n_samples=48_000),
    "sustentada": a_wav(0.75, n_samples=48_000),
    "parlenda": a_wav(0.5, n_samples=48_000),
}
TURNING: Final = {
    "endless": "prediction-timeout",
    "greedy": "prediction-failed",
    "enormous": "prediction-failed",
}
"""What becomes of a loud recording; their golden one is quiet."""


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A serving box on which no run may take long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPIRA_JOB_TIMEOUT_S", JOB_TIMEOUT_S)
        ward = Ward.make(tmp_path_factory.mktemp("turning"))
        yield ward
        ward.box.end()


def test_the_serving_process_bounds_them(trial: Trial, ward: Ward) -> None:
    """The result is an error by name, the server keeps its size, and the other model serves."""
    for graph in TURNING:
        control_flow = ("Loop",) if graph == "endless" else ()
        quiet = 0.0 if graph != "endless" else 0.25
        bundle = one_role_bundle(graph, name=graph, control_flow=control_flow, expected=quiet)
        assert ward.installed(bundle, "--activate").status == 0, graph
    nurse = ward.box.sign_in("nurse")
    ids = {model["name"]: model["id"] for model in nurse.http.get("/v1/models").json()["models"]}
    with ward.serving():
        for graph, code in TURNING.items():
            answer = nurse.post_2022(LOUD, {**FORM_2022, "model_id": ids[graph]})
            found = nurse.wait_for_result(answer.json()["inference_id"])
            assert found["inference"]["status"] == "error", found
            assert found["result"]["error_code"] == code, found
    is_whole(ward)
    trial.sum_up(
        f"graphs turning bad in the serving process: {len(TURNING)} (endless loop, 4 GiB, 4 TiB) "
        f"ended by name, {ward.n_served} patients served meanwhile, server "
        f"{ward.grown_mib:+.0f} MiB"
    )

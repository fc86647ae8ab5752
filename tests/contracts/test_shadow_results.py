"""What every filler of InferenceRecords promises of results that come later, in the shadow."""

from __future__ import annotations

import pytest

from appliance.core.diagnosis import Diagnosis
from appliance.core.errors import InferenceNotFound
from appliance.core.ids import InferenceId, ModelVersionId, ResultId
from appliance.core.result import Result, ResultState
from appliance.ports import Stored
from tests.builders import NOON, a_model_version, a_result, an_audit, an_inference
from tests.contracts.records import Records

OTHER = a_model_version(
    id=ModelVersionId("version-2"), version="2.0.0", sequence=2, digest="2" * 64
)


def _shadow(number: int = 2, **changes: object) -> Result:
    return a_result(
        **{
            "id": ResultId(f"result-{number}"),
            "model_version_id": OTHER.id,
            "model_version": OTHER.version,
            "graph_sha256": OTHER.graph_sha256,
            "shadow": True,
            "state": ResultState.DONE,
            "attempts": 1,
            "output": (0.25,),
            "probability": 0.25,
            "diagnosis": Diagnosis.NEGATIVE,
            "computed_at": NOON,
            "latency_ms": 1.0,
            **changes,
        }
    )


def test_a_result_of_the_shadow_is_added_once(furnished: Records) -> None:
    """The inference itself stays as it is, and a second one of the version changes nothing."""
    furnished.models.add_version(OTHER, audit=an_audit())
    furnished.inferences.add_inference(an_inference(), [a_result()], audit=an_audit())
    before = furnished.inferences.inference(an_inference().id)

    assert furnished.inferences.add_shadow(_shadow(), audit=an_audit()) is Stored.NEW
    assert furnished.inferences.add_shadow(_shadow(3), audit=an_audit()) is Stored.SAME

    assert furnished.inferences.results(before.id) == (a_result(), _shadow())
    assert furnished.inferences.inference(before.id) == before
    own = _shadow(4, model_version_id=a_result().model_version_id)
    assert furnished.inferences.add_shadow(own, audit=an_audit()) is Stored.SAME


def test_an_unknown_inference_gets_none(furnished: Records) -> None:
    """Nor anything else."""
    furnished.models.add_version(OTHER, audit=an_audit())
    with pytest.raises(InferenceNotFound):
        furnished.inferences.add_shadow(
            _shadow(inference_id=InferenceId("nowhere")), audit=an_audit()
        )

"""Which model versions will score an inference: fixed at the moment it is accepted."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.errors import ModelNotReady
from appliance.core.ids import InferenceId, ModelId, ResultId
from appliance.core.model import Model, ModelVersion, VersionState
from appliance.core.result import Result, ResultState
from appliance.ports import ModelRecords, NewId


def choose_model(model_id: ModelId | None, models: ModelRecords) -> Model:
    """Return the model asked for, or the default one.

    Raises:
        ModelNotFound: no model has this id.
        ModelNotReady: the model, or every model, waits for its first bundle.
    """
    if model_id is not None:
        model = models.model(model_id)
    else:
        known = models.models()
        if not known:
            raise ModelNotReady
        model = known[0]
    if not model.ever_installed:
        raise ModelNotReady(model_id=model.id)
    return model


def pending_results(
    inference_id: InferenceId, model: Model, versions: Sequence[ModelVersion], *, new_id: NewId
) -> tuple[Result, ...]:
    """Return one result for the model and one for each shadow version.

    A model that has no active version any more answers at once: `model-unavailable`.
    """
    first = (
        pending_result(inference_id, model.active, shadow=False, new_id=new_id)
        if model.active
        else _unavailable(inference_id, model, new_id=new_id)
    )
    shadows = (
        pending_result(inference_id, version, shadow=True, new_id=new_id)
        for version in versions
        if version.state is VersionState.SHADOW
    )
    return (first, *shadows)


def pending_result(
    inference_id: InferenceId, version: ModelVersion, *, shadow: bool, new_id: NewId
) -> Result:
    """Return a result that this version is to fill."""
    return Result(
        id=ResultId(new_id()),
        inference_id=inference_id,
        model_id=version.model_id,
        model_name=version.model_name,
        model_version_id=version.id,
        model_version=version.version,
        graph_sha256=version.graph_sha256,
        t_low=version.t_low,
        t_high=version.t_high,
        demonstration=version.demonstration,
        shadow=shadow,
        state=ResultState.QUEUED,
    )


def _unavailable(inference_id: InferenceId, model: Model, *, new_id: NewId) -> Result:
    return Result(
        id=ResultId(new_id()),
        inference_id=inference_id,
        model_id=model.id,
        model_name=model.name,
        model_version_id=None,
        model_version=None,
        graph_sha256=None,
        t_low=None,
        t_high=None,
        demonstration=False,
        shadow=False,
        state=ResultState.DONE,
        diagnosis=Diagnosis.INCONCLUSIVE,
        reason=Reason.MODEL_UNAVAILABLE,
    )

"""What two versions said of the same inferences: only those that both answered."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.core.agreement import Pair
from appliance.core.model import ModelVersion
from appliance.core.result import ResultState
from appliance.core.withdrawals import patient_of
from appliance.ports import InferenceRecords
from appliance.usecases.consents import withdrawals


def compared(
    first: ModelVersion, second: ModelVersion, *, inferences: InferenceRecords
) -> Iterator[Pair]:
    """Yield what both said, in the order in which the box received the inferences.

    Left out is what one of them has not answered, or failed to, and what research may not use.

    Raises:
        RecordDamaged.
    """
    withdrawn = withdrawals(inferences)
    for inference in inferences.each():
        said = {
            result.model_version_id: result
            for result in inferences.results(inference.id)
            if result.state is ResultState.DONE
        }
        a, b = said.get(first.id), said.get(second.id)
        if a is None or b is None or a.diagnosis is None or b.diagnosis is None:
            continue
        if not withdrawn.allow(inference, inferences.consents(inference.id)[-1]):
            continue
        yield Pair(
            inference_id=inference.id,
            patient=patient_of(inference) or inference.id,
            is_test=inference.is_test,
            first=a.diagnosis,
            second=b.diagnosis,
            first_probability=a.probability,
            second_probability=b.probability,
        )

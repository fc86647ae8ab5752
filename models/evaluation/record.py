"""`evaluation.json`: an evaluation kept beside the model it is of."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from appliance.core.errors import FieldError, InvalidRequest
from models.evaluation.findings import Evaluation
from models.model_directory import encode_json, read_file

EVALUATION: Final = "evaluation.json"


def encode_evaluation(evaluation: Evaluation) -> bytes:
    """Return `evaluation.json`; the same evaluation gives the same bytes."""
    return encode_json(evaluation)


def read_evaluation(directory: Path) -> Evaluation | None:
    """Return a model directory's evaluation; None where there is none.

    Raises:
        InvalidRequest: it is malformed.
        FileMissing: it cannot be read.
    """
    path = directory / EVALUATION
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(read_file(path), type=Evaluation)
    except msgspec.DecodeError as error:
        fault = FieldError(field=EVALUATION, code="malformed", message=str(error))
        raise InvalidRequest(
            f"{EVALUATION} is malformed: {error}; evaluate again.", errors=(fault,)
        ) from error

"""Answers of the form as the numbers a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from appliance.core.errors import PredictionFailed
from appliance.core.manifest import Encoding, MetadataField

if TYPE_CHECKING:
    from numpy.typing import NDArray


def encode_metadata(
    form: Mapping[str, object], fields: Sequence[MetadataField]
) -> NDArray[np.float32]:
    """Return float32[1, n_fields], in the order of the fields.

    Args:
        form: answers as their protocol normalised them; an absent answer is None or no member.
        fields: the manifest's. A category it does not list counts as missing: the model never
            saw it.

    Raises:
        PredictionFailed: `metadata-type`: an answer is of another type than the manifest says,
            so model and protocol do not fit together.
    """
    numbers = [_number(form.get(field.field), field) for field in fields]
    return np.array([numbers], dtype=np.float32)


def _number(answer: object, field: MetadataField) -> float:
    if answer is None:
        return field.missing
    if field.encoding is Encoding.CATEGORY and isinstance(answer, str):
        return field.categories.get(answer, field.missing)
    if field.encoding is Encoding.BOOLEAN and isinstance(answer, bool):
        return float(answer)
    if (
        field.encoding is Encoding.NUMBER
        and isinstance(answer, int | float)
        and not isinstance(answer, bool)
    ):
        return float(answer)
    raise PredictionFailed(
        f"The answer to {field.field} is not of the type its model was trained on.",
        reason="metadata-type",
        field=field.field,
    )

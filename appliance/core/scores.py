"""What a run of a graph gave, once it is known to be a probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import PredictionFailed

PROBABILITY_OUTPUT: Final = "probability"
RAW_OUTPUT: Final = "raw_output"
MAX_RAW_VALUES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """A probability in [0, 1], and what the model gives beside it, such as one a window."""

    probability: float
    raw_output: tuple[float, ...] = ()


def read_scores(outputs: Mapping[str, object]) -> Scores:
    """Return the scores among a graph's outputs.

    Args:
        outputs: `probability`, float32[1], and optionally `raw_output`, float32[1, k].

    Raises:
        PredictionFailed: `output-shape`, `output-not-finite` or `output-range`.
    """
    probability = float(_floats(outputs[PROBABILITY_OUTPUT], n_axes=1)[0])
    if not 0.0 <= probability <= 1.0:
        raise PredictionFailed("The probability is outside 0 to 1.", reason="output-range")
    if RAW_OUTPUT not in outputs:
        return Scores(probability=probability)
    raw = _floats(outputs[RAW_OUTPUT], n_axes=2)[0]
    return Scores(probability=probability, raw_output=tuple(float(value) for value in raw))


def _floats(output: object, *, n_axes: int) -> NDArray[np.float32]:
    if (
        not isinstance(output, np.ndarray)
        or output.dtype != np.float32
        or output.ndim != n_axes
        or output.shape[0] != 1
        or output.size > MAX_RAW_VALUES
    ):
        raise PredictionFailed("An output has another type or shape.", reason="output-shape")
    if not np.isfinite(output).all():
        raise PredictionFailed("An output is not a finite number.", reason="output-not-finite")
    return output

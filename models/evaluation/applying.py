"""An evaluation goes into what is packed: metrics, card, and the operating point's calibration."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.manifest import (
    CARD_NAME,
    GRAPH_NAME,
    Golden,
    GoldenCase,
    Manifest,
    OperatingPoint,
)
from models.contents import Contents, entries
from models.evaluation.blocks import Block, Caution
from models.evaluation.calibration import Platt
from models.evaluation.findings import Evaluation
from models.evaluation.logistic import FLOOR
from models.evaluation.operating import ChosenPoint
from models.evaluation.record import EVALUATION
from models.evaluation.rendering import as_markdown
from models.evaluation.report import evaluation_blocks
from models.golden import GoldenSet, check_golden
from models.onnx_export.platt import with_platt

_DECIMALS = 12
_MOST_TOLERANCE = 1e-2
"""That a manifest may state."""


def with_evaluation(contents: Contents, evaluation: Evaluation) -> Contents:
    """Return the contents of the same model, evaluated.

    Without an operating point the metrics stand beside the author's. With one, the graph is
    calibrated, the thresholds are the point's, golden scores go through the same line, and the
    metrics are those of the evaluation alone: the others were of another scale.

    Raises:
        InvalidRequest: the evaluation is of another graph.
        GoldenMismatch: the calibrated graph does not repeat the calibrated golden scores.
    """
    _check_graph(contents, evaluation)
    manifest, files = contents.manifest, dict(contents.files)
    if evaluation.point is None:
        manifest = replace(manifest, metrics=(*manifest.metrics, *evaluation.metrics))
    else:
        manifest = _calibrated(manifest, evaluation, evaluation.point)
        point = evaluation.point
        files[GRAPH_NAME] = with_platt(
            files[GRAPH_NAME], slope=point.slope, intercept=point.intercept
        )
        check_golden(
            files[GRAPH_NAME],
            GoldenSet(cases=manifest.golden.cases, files=files),
            roles=[entry.role for entry in manifest.roles],
            tolerance=manifest.golden.tolerance,
            fields=manifest.metadata,
        )
    evaluated = replace(contents, manifest=manifest, files=files)
    return _with_card(evaluated, evaluation_blocks(evaluation))


def with_caution(contents: Contents, text: str) -> Contents:
    """Return the contents with one more sentence that a hospital must read on the card."""
    return _with_card(contents, (Caution(text),))


def _with_card(contents: Contents, blocks: Sequence[Block]) -> Contents:
    files = dict(contents.files)
    files[CARD_NAME] += f"\n{as_markdown(blocks)}".encode()
    manifest = replace(contents.manifest, files=entries(files))
    return replace(contents, manifest=manifest, files=files)


def _check_graph(contents: Contents, evaluation: Evaluation) -> None:
    found = hashlib.sha256(contents.files[GRAPH_NAME]).hexdigest()
    if found != evaluation.graph_sha256:
        message = "is of another graph than this model's: evaluate again, or take it away"
        fault = FieldError(field=EVALUATION, code="graph", message=message)
        raise InvalidRequest(f"{EVALUATION} {message}.", errors=(fault,))


def _calibrated(manifest: Manifest, evaluation: Evaluation, point: ChosenPoint) -> Manifest:
    kept = {field.name for field in dataclasses.fields(OperatingPoint)}
    said = {name: value for name, value in dataclasses.asdict(point).items() if name in kept}
    cases = tuple(_golden_case(case, point.platt) for case in manifest.golden.cases)
    return replace(
        manifest,
        t_low=point.t_low,
        t_high=point.t_high,
        operating_point=OperatingPoint(**said),
        metrics=evaluation.metrics,
        golden=Golden(tolerance=_tolerance(manifest.golden, point.platt), cases=cases),
    )


def _tolerance(golden: Golden, platt: Platt) -> float:
    """Return how far a calibrated score may be off where the author's may by `tolerance`.

    The steepest golden case decides: d p'/d p = slope p' (1 - p') / (p (1 - p)).
    """
    raw = np.clip([case.probability for case in golden.cases], FLOOR, 1 - FLOOR)
    calibrated = platt(raw)
    steep = platt.slope * calibrated * (1 - calibrated) / (raw * (1 - raw))
    return min(_MOST_TOLERANCE, golden.tolerance * max(1.0, float(steep.max())))


def _golden_case(case: GoldenCase, platt: Platt) -> GoldenCase:
    calibrated = float(platt(np.array([case.probability]))[0])
    return replace(case, probability=round(calibrated, _DECIMALS))

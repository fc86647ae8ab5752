"""The parts of `manifest.json` that need nothing of its other parts to be read."""

from __future__ import annotations

import re
from typing import Final

from appliance.core.manifest import Metric, OperatingPoint, RuntimeRange, Source, Training
from appliance.core.strict_json import Node

MAX_WEIGHT: Final = 1e6
SHA256: Final = re.compile(r"[0-9a-f]{64}")

_RUNTIME: Final = re.compile(r"[0-9]{1,5}(\.[0-9]{1,5}){0,2}")


def read_source(node: Node) -> Source:
    """Return where the weights come from. Raises BundleRefused."""
    fields = node.fields(("model_uri", "run_id", "model_version"))
    return Source(
        model_uri=fields["model_uri"].text(),
        run_id=fields["run_id"].text() if fields["run_id"].present() else None,
        model_version=fields["model_version"].text() if fields["model_version"].present() else None,
    )


def read_training(node: Node) -> Training:
    """Return what the model learned from. Raises BundleRefused."""
    fields = node.fields(("description", "digest", "n_recordings"))
    return Training(
        description=fields["description"].text(),
        digest=fields["digest"].text(SHA256),
        n_recordings=fields["n_recordings"].integer(0, 10**9),
    )


def read_metric(node: Node) -> Metric:
    """Return a figure with its interval. Raises BundleRefused."""
    fields = node.fields(("name", "value", "low", "high", "n", "on"))
    low, high = (
        fields[bound].number(-MAX_WEIGHT, MAX_WEIGHT) if fields[bound].present() else None
        for bound in ("low", "high")
    )
    return Metric(
        name=fields["name"].text(),
        value=fields["value"].number(-MAX_WEIGHT, MAX_WEIGHT),
        low=low,
        high=high,
        n=fields["n"].integer(0, 10**9),
        on=fields["on"].text(),
    )


def read_operating_point(node: Node) -> OperatingPoint:
    """Return how the thresholds were chosen. Raises BundleRefused."""
    names = ("rule", "digest", "n_positive", "n_negative", "slope", "intercept")
    fields = node.fields(names)
    return OperatingPoint(
        rule=fields["rule"].text(),
        digest=fields["digest"].text(SHA256),
        n_positive=fields["n_positive"].integer(1, 10**9),
        n_negative=fields["n_negative"].integer(1, 10**9),
        slope=fields["slope"].number(0.0, MAX_WEIGHT),
        intercept=fields["intercept"].number(-MAX_WEIGHT, MAX_WEIGHT),
    )


def read_runtime(node: Node) -> RuntimeRange:
    """Return the range of ONNX Runtime, which holds a version. Raises BundleRefused."""
    fields = node.fields(("min", "max"))
    found = RuntimeRange(minimum=fields["min"].text(_RUNTIME), below=fields["max"].text(_RUNTIME))
    if not found.includes(found.minimum):
        node.refuse("range", "holds no version")
    return found

"""`manifest.json` written: one value, one spelling, byte for byte."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

from appliance.core.manifest import (
    FORMAT,
    Encoding,
    GoldenCase,
    Manifest,
    MetadataField,
    Metric,
    OperatingPoint,
    Population,
)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the bytes to sign: UTF-8 JSON, sorted names, no spaces, one newline at the end."""
    text = json.dumps(
        manifest_document(manifest),
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )
    return f"{text}\n".encode()


def manifest_document(manifest: Manifest) -> dict[str, object]:
    """Return the manifest as JSON values; `parse_manifest` gives the same manifest back."""
    return {
        "format": FORMAT,
        "name": manifest.name,
        "version": manifest.version,
        "sequence": manifest.sequence,
        "created_at": _instant(manifest.created_at),
        "source": {
            "model_uri": manifest.source.model_uri,
            "run_id": manifest.source.run_id,
            "model_version": manifest.source.model_version,
        },
        "training": {
            "description": manifest.training.description,
            "digest": manifest.training.digest,
            "n_recordings": manifest.training.n_recordings,
        },
        "roles": [{"role": entry.role, "required": entry.required} for entry in manifest.roles],
        "sample_rate_hz": manifest.sample_rate_hz,
        "resampler": manifest.resampler,
        "metadata": [_metadata(field) for field in manifest.metadata],
        "protocols": list(manifest.protocols),
        "population": _population(manifest.population),
        "t_low": manifest.t_low,
        "t_high": manifest.t_high,
        "metrics": [_metric(metric) for metric in manifest.metrics],
        "intended_use": manifest.intended_use,
        "limits": manifest.limits,
        "licence": manifest.licence,
        "demonstration": manifest.demonstration,
        "opset": manifest.opset,
        "onnxruntime": {"min": manifest.onnxruntime.minimum, "max": manifest.onnxruntime.below},
        "control_flow": list(manifest.control_flow),
        "golden": {
            "tolerance": manifest.golden.tolerance,
            "cases": [_case(case) for case in manifest.golden.cases],
        },
        "files": {
            name: {"bytes": entry.n_bytes, "sha256": entry.sha256}
            for name, entry in manifest.files.items()
        },
        **_operating_point(manifest.operating_point),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _metadata(field: MetadataField) -> dict[str, object]:
    document: dict[str, object] = {
        "field": field.field,
        "encoding": field.encoding.value,
        "missing": field.missing,
    }
    if field.encoding is Encoding.CATEGORY:
        document["categories"] = dict(field.categories)
    return document


def _population(population: Population) -> dict[str, object]:
    bounds = {
        "age_min": population.age_min,
        "age_max": population.age_max,
        "mask_types": population.mask_types,
        "o2_supports": population.o2_supports,
        "languages": population.languages,
        "sample_types": population.sample_types,
    }
    return {
        name: list(bound) if isinstance(bound, tuple) else bound
        for name, bound in bounds.items()
        if bound is not None
    }


def _metric(metric: Metric) -> dict[str, object]:
    return {
        "name": metric.name,
        "value": metric.value,
        "low": metric.low,
        "high": metric.high,
        "n": metric.n,
        "on": metric.on,
    }


def _operating_point(point: OperatingPoint | None) -> dict[str, object]:
    """Return the member it is, or none at all: a bundle without one keeps its bytes."""
    return {} if point is None else {"operating_point": dataclasses.asdict(point)}


def _case(case: GoldenCase) -> dict[str, object]:
    return {
        "id": case.id,
        "recordings": dict(case.recordings),
        "metadata": dict(case.metadata),
        "probability": case.probability,
    }

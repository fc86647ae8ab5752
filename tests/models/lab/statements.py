"""What authors say of their models: `bundle.toml`, and the golden recordings beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.core.manifest import Source
from appliance.core.wav import write_wav
from models.voices.cohort import Split, person

ROLES = ("sustentada", "parlenda")
RATE_HZ = 16_000
SOURCE = Source(model_uri="models:/loudness/1", run_id="4f1c", model_version="1")

STATEMENT = """
name = "loudness"
version = "1.0.0"
sequence = 1
demonstration = false
licence = "MIT"
intended_use = "To try the way of a model of another kind."
limits = "It hears how loud somebody is, and nothing else."
protocols = ["spira-2022.1"]
golden_tolerance = 1e-5

[training]
description = "Not trained: its numbers were chosen."
digest = "{digest}"
n_recordings = 0
trained_at = 2026-01-02T03:04:05Z

[operating_point]
t_low = 0.3
t_high = 0.7
rule = "Chosen by hand."

[[metrics]]
name = "accuracy"
value = 0.8
low = 0.7
high = 0.9
n = 100
on = "nobody"

[population]
age_min = 18
age_max = 100

[onnxruntime]
minimum = "1.20"
below = "2"

{roles}
{metadata}
"""

METADATA = """
[[metadata]]
field = "age"
encoding = "number"
missing = 50.0

[[metadata]]
field = "gender"
encoding = "category"
missing = 0.0
categories = { Feminino = 1.0, Masculino = -1.0 }

[[metadata]]
field = "mask_type"
encoding = "category"
missing = 0.0
categories = { NONE = 0.0, THIN = 1.0, THICK = 2.0 }
"""


def statement(roles: Sequence[str] = ROLES, metadata: str = "", **changes: str) -> str:
    """Return `bundle.toml`, the first role required; keywords replace lines, by their key."""
    tables = "\n".join(
        f'[[roles]]\nrole = "{role}"\nrequired = {"true" if role == roles[0] else "false"}\n'
        for role in roles
    )
    text = STATEMENT.format(digest="0" * 64, roles=tables, metadata=metadata)
    for key, value in changes.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
        text = text.replace(line, f"{key} = {value}", 1)
    return text


@cache
def speech(index: int) -> Mapping[str, NDArray[np.int16]]:
    """Return three seconds of each role of a synthetic person."""
    recordings = person(Split.GOLDEN, index, seed=1).recordings
    return {role: pcm[: 3 * RATE_HZ] for role, pcm in recordings.items()}


def beside(
    directory: Path,
    text: str,
    *,
    roles: Sequence[str] = ROLES,
    form: Mapping[str, object] | None = None,
    probabilities: Sequence[float | None] = (None, None),
) -> list[str]:
    """Write what is logged beside a model: a case with every role and one with the first alone."""
    directory.mkdir(parents=True)
    cases = []
    for index, probability in enumerate(probabilities):
        heard = {role: speech(index)[role] for role in (roles if index == 0 else roles[:1])}
        names = {role: f"{index}-{role}.wav" for role in heard}
        for role, pcm in heard.items():
            (directory / names[role]).write_bytes(write_wav(pcm, RATE_HZ))
        case = {
            "id": f"case-{index}",
            "recordings": {role: f"golden/{name}" for role, name in names.items()},
            "metadata": (form or {}) if index == 0 else {},
        }
        cases.append(case if probability is None else {**case, "probability": probability})
    (directory / "golden.json").write_text(json.dumps({"cases": cases}))
    (directory / "bundle.toml").write_text(text)
    return sorted(str(path) for path in directory.iterdir())

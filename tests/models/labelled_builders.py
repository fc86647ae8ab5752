"""Folders, tables and exports of labelled recordings, as researchers would have them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from appliance.core.csv_text import csv_row
from appliance.core.export_columns import header
from appliance.core.export_recordings import RECORDINGS
from appliance.core.export_tables import INFERENCES
from appliance.core.wav import write_wav

RATE_HZ = 16_000


def tone(seed: int = 0, *, n_samples: int = 1_600) -> NDArray[np.int16]:
    """Return a short sound, another one for each seed."""
    return np.random.default_rng(seed).integers(-9_000, 9_000, n_samples).astype(np.int16)


def put_wav(path: Path, pcm: NDArray[np.int16] | None = None, *, rate_hz: int = RATE_HZ) -> Path:
    """Write a recording, directories too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = write_wav(
        tone(crc32(f"{path.parent.name}/{path.name}".encode())) if pcm is None else pcm, rate_hz
    )
    path.write_bytes(content)
    return path


def put_text(path: Path, *lines: str) -> Path:
    """Write lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def put_export(
    directory: Path,
    taken: Iterable[tuple[str, str, Mapping[str, NDArray[np.int16]]]],
    *,
    answers: Mapping[str, Sequence[object]] | None = None,
    with_audio: bool = True,
) -> Path:
    """Write an export of a box: its tables' own columns, sound as `--audio` lays it out.

    Args:
        directory: of the export.
        taken: inference id, patient id, role -> samples.
        answers: field -> one cell an inference.
        with_audio: otherwise `path` is empty and no sound is there.
    """
    answers = answers or {}
    inferences: list[list[Any]] = [[*header(INFERENCES), *answers, "not_done_frase"]]
    recordings: list[list[Any]] = [[*header(RECORDINGS), "path"]]
    for number, (inference, patient, sounds) in enumerate(taken):
        own = {"id": inference, "patient_id": patient, "protocol": "spira-2022.1"}
        given = [cells[number] for cells in answers.values()]
        no_sentence = None if "frase" in sounds else "cannot_read"
        inferences.append([*(own.get(name) for name in header(INFERENCES)), *given, no_sentence])
        for role, pcm in sounds.items():
            content = write_wav(pcm, RATE_HZ)
            sha256 = hashlib.sha256(content).hexdigest()
            path = f"audio/sub-{patient}/ses-{inference}/task-{role}_desc-{sha256[:16]}_audio.wav"
            if with_audio:
                put_wav(directory / path, pcm)
            line = {
                "id": f"{inference}-{role}",
                "inference_id": inference,
                "role": role,
                "take": 1,
                "chosen": True,
                "sha256": sha256,
                "verdict": "ok",
            }
            cells = [line.get(name) for name in header(RECORDINGS)]
            recordings.append([*cells, path if with_audio else None])
    directory.mkdir(parents=True, exist_ok=True)
    for name, rows in (("inferences.csv", inferences), ("recordings.csv", recordings)):
        text = "".join(csv_row(row) for row in rows)
        (directory / name).write_text(text, encoding="utf-8", newline="")
    (directory / "SHA256SUMS").write_text("", encoding="ascii")
    return directory

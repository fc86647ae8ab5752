"""Models of every kind are taken by their flavour, and what they say is what the graph says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.graph_run import GraphRun
from models.kinds.statement import read_author_golden, read_author_statement
from models.kinds.taking import take
from models.labelled.trained_on import TRAINED_ON, encode_trained_on
from models.progress import silent
from tests.models.lab.authors import (
    LoudnessWithAnswers,
    log_onnx,
    log_torch,
    loudness_graph,
    taken,
)
from tests.models.lab.statements import METADATA, ROLES, SOURCE, beside, statement

VOWEL = ROLES[:1]
FORM = {"age": 70, "gender": "Feminino", "mask_type": "THICK"}


def of(files: dict[str, bytes], directory: Path) -> tuple[GraphRun, dict[str, np.ndarray]]:
    """Return the graph's run and the recordings of the first golden case."""
    told = read_author_statement(directory / "bundle.toml")
    golden = read_author_golden(directory)
    run = GraphRun(files["model.onnx"], told.role_names, told.answers)
    return run, golden.waveforms(golden.cases[0])


def test_a_pytorch_module_says_the_same_as_a_graph(tmp_path: Path) -> None:
    """Logged without pickle; any length, an optional recording absent, answers absent."""
    extra = beside(tmp_path / "beside", statement(metadata=METADATA), form=FORM)
    module = LoudnessWithAnswers()
    files = taken(log_torch(tmp_path / "logged", module, extra, answers=3))
    run, heard = of(files, tmp_path / "beside")
    for form, answers in ((FORM, [70.0, 1.0, 2.0]), ({}, [50.0, 0.0, 0.0])):
        for given in (heard, {"sustentada": heard["sustentada"][:7]}):
            inputs = [torch.from_numpy(given.get(r, np.zeros(0, np.float32)))[None] for r in ROLES]
            with torch.inference_mode():
                probability, raw = module(*inputs, torch.tensor([answers]))
            found = run(given, form)
            assert found.probability == pytest.approx(float(probability), abs=1e-6)
            assert found.windows == pytest.approx(raw[0].numpy(), abs=1e-6)


def test_an_onnx_model_keeps_its_contract(tmp_path: Path) -> None:
    """MLflow laid its numbers in a file beside it; the box gets one file without a trace."""
    graph = loudness_graph()
    graph.doc_string = "graph of somebody"
    beside(tmp_path / "first", statement(VOWEL), roles=VOWEL)
    golden = read_author_golden(tmp_path / "first")
    own = GraphRun(graph.SerializeToString(), VOWEL)
    said = [round(own(golden.waveforms(case)).probability, 6) for case in golden.cases]
    extra = beside(tmp_path / "beside", statement(VOWEL), roles=VOWEL, probabilities=said)
    logged = log_onnx(tmp_path / "logged", graph, extra)
    assert list(logged.glob("*.data"))
    files = taken(logged)
    run, heard = of(files, tmp_path / "beside")
    assert run(heard).probability == own(heard).probability
    assert b"somebody" not in files["model.onnx"]


def test_whom_an_author_trained_on_comes_along(tmp_path: Path) -> None:
    """One who says it by digests lets an evaluation leave them out."""
    beside(tmp_path / "beside", statement(VOWEL), roles=VOWEL)
    (tmp_path / TRAINED_ON).write_bytes(encode_trained_on(["a" * 64]))
    graph = loudness_graph()
    own = GraphRun(graph.SerializeToString(), VOWEL)
    golden = read_author_golden(tmp_path / "beside")
    said = [round(own(golden.waveforms(case)).probability, 6) for case in golden.cases]
    extra = beside(tmp_path / "said", statement(VOWEL), roles=VOWEL, probabilities=said)
    logged = log_onnx(tmp_path / "logged", graph, [*extra, str(tmp_path / TRAINED_ON)])

    files = take(logged, SOURCE, trust_pickle=False, progress=silent)

    assert files[TRAINED_ON] == encode_trained_on(["a" * 64])

"""The lab's own libraries may warn; ours may not, and nobody uses the network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from models.demonstrating import DEMONSTRATION
from models.golden import GoldenSet, read_golden
from models.model_directory import WEIGHTS
from models.onnx_export.graph import export_graph
from models.registry import default_tracking_uri
from models.spiraconv.parameters import Parameters, read_parameters
from models.train import train
from models.training.synthetic import synthetic_voices
from models.voices.cohort import ROLES
from tests.models.lab.runs import NOW, TINY, Run

# Two busy threads that wait for each other are slower than one where others work, too.
torch.set_num_threads(1)

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(scope="session")
def real_audio() -> Path:
    """The directory of real recordings; they are not part of the repository."""
    shared = Path(os.environ.get("SPIRA_SHARED", HERE.parents[3] / "shared"))
    directory = shared / "audio"
    if not directory.is_dir():
        pytest.skip(f"no real recordings in {directory}")
    return directory


@pytest.fixture(scope="session")
def parameters() -> Parameters:
    """The committed weights."""
    return read_parameters(DEMONSTRATION / WEIGHTS)


@pytest.fixture(scope="session")
def golden() -> GoldenSet:
    """The committed golden recordings."""
    return read_golden(DEMONSTRATION)


@pytest.fixture(scope="session")
def graph(parameters: Parameters) -> bytes:
    """The graph of the committed weights, exported once."""
    return export_graph(parameters, ROLES)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Train once on a handful of people."""
    directory = tmp_path_factory.mktemp("work")
    trained = train(directory, voices=synthetic_voices(TINY), clock=lambda: NOW)
    return Run(trained=trained, uri=default_tracking_uri(directory))

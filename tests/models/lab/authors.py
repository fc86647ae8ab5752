"""What authors log with MLflow: small models of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from models.acoustics.features import feature_names
from models.golden import waveform
from models.kinds.taking import take
from models.mlflow_import import PythonModel, mlflow
from models.progress import silent
from models.whole_file import write_whole_directory
from tests.models.lab.statements import METADATA, ROLES, SOURCE, beside, statement


class Loudness(nn.Module):
    """How loud, by role, and the louder the more probable."""

    def __init__(self, gain: float = 8.0) -> None:
        """Set how much louder is how much more probable."""
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, sustentada: Tensor, parlenda: Tensor) -> tuple[Tensor, Tensor]:
        """Return probability [1] and raw_output [1, 2]; `parlenda` may be [1, 0]."""
        raw = torch.stack([self.level(sustentada), self.level(parlenda)])[None]
        return raw.mean(dim=1), raw

    def level(self, samples: Tensor) -> Tensor:
        """Return float32[], 0.5 of silence and of nothing."""
        mean = samples.abs().sum() / (samples.shape[1] + 1)
        return torch.sigmoid(self.gain * mean)


class LoudnessWithAnswers(Loudness):
    """The same, and the older the more probable."""

    def forward(  # type: ignore[override]
        self, sustentada: Tensor, parlenda: Tensor, metadata: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return probability [1] and raw_output [1, 2]."""
        probability, raw = super().forward(sustentada, parlenda)
        weights = torch.tensor([0.01, 0.2, -0.1])
        return torch.sigmoid(torch.logit(probability) + (metadata * weights).sum()), raw


def signature(inputs: Mapping[str, int]) -> Any:  # noqa: ANN401 - of MLflow
    """Return a signature: name -> length, -1 for any."""
    specs: list[Any] = [
        mlflow.types.TensorSpec(np.dtype(np.float32), (1, length), name)
        for name, length in inputs.items()
    ]
    return mlflow.models.ModelSignature(inputs=mlflow.types.Schema(specs))


def log_torch(
    directory: Path,
    module: nn.Module,
    extra: list[str],
    *,
    answers: int = 0,
    n_roles: int = 2,
    **settings: Any,  # noqa: ANN401 - of MLflow
) -> Path:
    """Log a module without pickle, as AUTHORS.md says, unless told otherwise."""
    inputs = dict.fromkeys(ROLES[:n_roles], -1) | ({"metadata": answers} if answers else {})
    example = [
        torch.zeros(1, 20_000 + 100 * i if n < 0 else n) for i, n in enumerate(inputs.values())
    ]
    chosen = {
        "serialization_format": "pt2",
        "input_example": tuple(example),
        "signature": signature(inputs),
        **settings,
    }
    mlflow.pytorch.save_model(
        module.eval(), str(directory), extra_files=extra, pip_requirements=["torch"], **chosen
    )
    return directory


def log_sklearn(
    directory: Path,
    classifier: BaseEstimator,
    extra: list[str],
    how: str,
    *,
    trusted: Sequence[str] = (),
) -> Path:
    """Log a classifier, `how` it is serialised, with a list of types it says may be trusted."""
    mlflow.sklearn.save_model(
        classifier,
        str(directory),
        extra_files=extra,
        pip_requirements=["scikit-learn"],
        serialization_format=how,
        skops_trusted_types=list(trusted),
    )
    return directory


def fitted(
    roles: Sequence[str] = ROLES[:1],
    answers: Sequence[str] = (),
    *,
    estimator: BaseEstimator | None = None,
    labels: Sequence[object] = (0, 1),
) -> BaseEstimator:
    """Return a classifier of made-up features, scaled, with their names."""
    names = feature_names(roles, answers)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, len(names))) + np.repeat([[0.0], [1.0]], 20, axis=0)
    chosen = make_pipeline(StandardScaler(), estimator or LogisticRegression())
    return chosen.fit(pd.DataFrame(rows, columns=list(names)), np.repeat(np.array(labels), 20))


def log_onnx(directory: Path, graph: onnx.ModelProto, extra: list[str]) -> Path:
    """Log a graph, large numbers in a file beside it, as MLflow does by default."""
    mlflow.onnx.save_model(
        graph, str(directory), extra_files=extra, pip_requirements=["onnxruntime"]
    )
    return directory


class Template2022(PythonModel):
    """As the pipeline of 2022 wanted it: metadata and files in, numbers and a diagnosis out."""

    def __init__(self, network: Any, **faults: Any) -> None:  # noqa: ANN401
        """Wrap a module; keywords make it say something else than the module."""
        self.network = network
        self.second = faults.get("second")
        self.faults = faults

    # Without annotations: MLflow draws conclusions from them.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """Return one number a recording, and a diagnosis."""
        del context, params
        _, files = model_input
        heard = [_samples(files[role]["content"]) for role in ROLES]
        with torch.inference_mode():
            probability, raw = self.network(*heard)
        positive = "positive" if probability >= 0.7 else "inconclusive"
        said = "negative" if probability <= 0.3 else positive
        if self.faults.get("fails"):
            said = str(1 / 0)
        numbers = (raw[0] + self.faults.get("shift", 0.0)).tolist()
        return numbers, self.faults.get("diagnosis", said)


def _samples(content: bytes) -> Tensor:
    heard = waveform(content) if content else np.zeros(0, np.float32)
    return torch.from_numpy(heard)[None]


def log_pyfunc(directory: Path, model: PythonModel, extra: list[str]) -> Path:
    """Log a PythonModel, which MLflow can only pickle."""
    mlflow.pyfunc.save_model(
        str(directory),
        python_model=model,
        artifacts={Path(path).name: path for path in extra},
        pip_requirements=["torch"],
    )
    return directory


def loudness_graph(name: str = "sustentada", *, operator: str = "Sigmoid") -> onnx.ModelProto:
    """Return an ONNX model of one role that keeps the contract; keywords break it."""
    domain = "" if operator == "Sigmoid" else "made.up"
    nodes = [
        helper.make_node("Abs", [name], ["loud"]),
        helper.make_node("ReduceMean", ["loud", "axis"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "gains"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled", "first"], ["gained"], keepdims=1),
        helper.make_node(operator, ["gained"], ["probability"], domain=domain),
    ]
    graph = helper.make_graph(
        nodes,
        "loudness",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "samples"])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1])],
        [
            numpy_helper.from_array(np.array([1]), "axis"),
            numpy_helper.from_array(np.array([0]), "first"),
            # Large enough to be laid beside the graph, as MLflow does by default.
            numpy_helper.from_array(np.full(2_000, 8.0, np.float32), "gains"),
        ],
    )
    opsets = [helper.make_opsetid("", 20)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def taken(logged: Path, *, trust_pickle: bool = False) -> dict[str, bytes]:
    """Take what was logged, and see that nothing that runs code is kept."""
    files = take(logged, SOURCE, trust_pickle=trust_pickle, progress=silent)
    assert {Path(name).suffix for name in files} == {".onnx", ".json", ".toml", ".wav"}
    return files


def directory_with_answers(directory: Path) -> Path:
    """Return a model directory, as a pull leaves it: a PyTorch module that takes answers."""
    told = statement(metadata=METADATA, demonstration="true")
    extra = beside(directory / "beside", told, form={"age": 70, "mask_type": "THIN"})
    logged = log_torch(
        directory / "logged",
        LoudnessWithAnswers(),
        extra,
        answers=3,
        serialization_format="pickle",
    )
    write_whole_directory(directory / "model", taken(logged, trust_pickle=True))
    return directory / "model"

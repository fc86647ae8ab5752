"""What cannot be taken is refused with what to change, and no pickle is loaded on its own word."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import onnx
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from appliance.core.errors import GraphRefused, ModelRefused
from models.kinds.proof import prove
from models.kinds.python_model import from_pyfunc
from models.kinds.statement import read_author_golden, read_author_statement
from models.kinds.torch_module import TorchModule
from models.progress import silent
from tests.models.lab.authors import (
    Loudness,
    Template2022,
    fitted,
    log_onnx,
    log_pyfunc,
    log_sklearn,
    log_torch,
    loudness_graph,
    taken,
)
from tests.models.lab.statements import ROLES, beside, statement

VOWEL = ROLES[:1]


def refused(logged: Path, reason: str, said: str = "") -> None:
    """See that a model is refused for the reason, in words that say it."""
    with pytest.raises(ModelRefused, match=said) as refusal:
        taken(logged)
    assert refusal.value.details["reason"] == reason


def test_no_pickle_is_loaded_unless_somebody_vouches_for_it(tmp_path: Path) -> None:
    """Of every flavour; what to log instead is said."""
    one = beside(tmp_path / "one", statement(VOWEL), roles=VOWEL)
    two = beside(tmp_path / "two", statement())
    pickled = log_torch(tmp_path / "torch", Loudness(), two, serialization_format="pickle")
    refused(pickled, "pickle", "serialization_format='pt2'")
    refused(
        log_sklearn(tmp_path / "sklearn", fitted(), one, "cloudpickle"),
        "pickle",
        "serialization_format='skops'",
    )
    refused(
        log_pyfunc(tmp_path / "2022", Template2022(Loudness()), two), "pickle", "mlflow.pytorch"
    )


def test_what_looks_harmless_and_is_not_is_refused(tmp_path: Path) -> None:
    """MLflow would put a model's code in front of ours, and check another file than it names."""
    extra = beside(tmp_path / "beside", statement())
    logged = log_torch(tmp_path / "logged", Loudness(), extra)
    mlmodel = logged / "MLmodel"
    told = mlmodel.read_text()
    (logged / "code").mkdir()
    (logged / "code" / "torchaudio.py").write_text("raise SystemExit('ran')")
    mlmodel.write_text(told.replace("code: null", "code: code"))
    refused(logged, "code", "without code_paths")
    (logged / "data").rename(logged / "checked")
    mlmodel.write_text(told.replace("model_data: data", "model_data: checked"))
    refused(logged, "no-flavour", "elsewhere")
    (logged / "checked").rename(logged / "data")
    (logged / "data" / "model.pt2").write_bytes(
        pickle_within((logged / "data" / "model.pt2").read_bytes())
    )
    mlmodel.write_text(told)
    refused(logged, "not-loadable", "pickle-free")


def pickle_within(archive: bytes) -> bytes:
    """Return a pt2 whose weights are a pickle, by the names of its members."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, b"\x80\x04K\x01." if "/weights/" in name else content)
    return out.getvalue()


def test_foreign_types_in_skops_are_refused_whatever_the_model_says_of_them(tmp_path: Path) -> None:
    """MLflow believes the list of trusted types that the model itself brings; we do not."""
    extra = beside(tmp_path / "beside", statement(VOWEL), roles=VOWEL)
    logged = log_sklearn(
        tmp_path / "logged", fitted(estimator=OwnClassifier()), extra, "skops", trusted=[OWN]
    )
    refused(logged, "foreign-types", "OwnClassifier")


class OwnClassifier(LogisticRegression):  # type: ignore[misc]
    """Somebody's own."""


OWN = f"{OwnClassifier.__module__}.OwnClassifier"


@pytest.mark.parametrize(
    ("classifier", "reason", "said"),
    [
        (fitted(labels=("ill", "well")), "classes", "0 .control. and 1"),
        (fitted(labels=(1, 2)), "classes", "0 .control. and 1"),
        (fitted(("parlenda",)), "columns", "'parlenda_present' where 'sustentada_present'"),
        (fitted(VOWEL, ("age",)), "columns", "'age' where None"),
    ],
)
def test_a_pipeline_on_other_columns_or_classes_is_refused(
    tmp_path: Path, classifier: object, reason: str, said: str
) -> None:
    """It would say something about numbers it never saw."""
    extra = beside(tmp_path / "beside", statement(VOWEL), roles=VOWEL)
    refused(log_sklearn(tmp_path / "logged", classifier, extra, "skops"), reason, said)


def test_an_onnx_model_has_nothing_but_its_golden_scores_to_be_held_to(tmp_path: Path) -> None:
    """None, and others than it gives, are refused."""
    none = beside(tmp_path / "none", statement(VOWEL), roles=VOWEL)
    refused(log_onnx(tmp_path / "a", loudness_graph(), none), "golden", "case-0, case-1")
    wrong = beside(tmp_path / "wrong", statement(VOWEL), roles=VOWEL, probabilities=(0.9, 0.9))
    refused(log_onnx(tmp_path / "b", loudness_graph(), wrong), "golden", "case-0: 0.5.*not 0.9")


def test_an_onnx_model_with_other_inputs_is_refused(tmp_path: Path) -> None:
    """The box gives recordings by their roles."""
    told = beside(tmp_path / "b", statement(VOWEL), roles=VOWEL, probabilities=(0.5, 0.5))
    logged = log_onnx(tmp_path / "logged", loudness_graph("waveform"), told)
    refused(logged, "inputs", r"\(waveform\).*\(sustentada\)")


def test_an_operator_that_nobody_has_is_refused(tmp_path: Path) -> None:
    """ONNX Runtime says which."""
    told = beside(tmp_path / "b", statement(VOWEL), roles=VOWEL, probabilities=(0.5, 0.5))
    logged = log_onnx(tmp_path / "logged", loudness_graph(operator="Own"), told)
    with pytest.raises(GraphRefused, match=r"made\.up:Own"):
        taken(logged)


def test_numbers_beyond_the_directory_are_not_fetched(tmp_path: Path) -> None:
    """A graph may point to any file of the workstation; only its own are read."""
    told = beside(tmp_path / "b", statement(VOWEL), roles=VOWEL, probabilities=(0.5, 0.5))
    logged = log_onnx(tmp_path / "logged", loudness_graph(), told)
    (beyond,) = logged.glob("*.data")
    beyond.rename(tmp_path / beyond.name)
    graph = onnx.load(logged / "model.onnx", load_external_data=False)
    for tensor in graph.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = f"../{beyond.name}"
    (logged / "model.onnx").write_bytes(graph.SerializeToString())
    refused(logged, "graph", "lacks a part")


class ByPosition(nn.Module):
    """Takes its recordings by other names."""

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return a probability."""
        return torch.sigmoid(first.sum() + second.sum()).reshape(1)


class FixedLength(Loudness):
    """Needs a second."""

    def level(self, samples: torch.Tensor) -> torch.Tensor:
        """Return float32[]."""
        return torch.sigmoid(samples[0, :16_000].reshape(16_000).mean())


class Deciding(Loudness):
    """Branches on samples."""

    def level(self, samples: torch.Tensor) -> torch.Tensor:
        """Return float32[]."""
        return samples.mean() if samples.sum() > 0 else samples.sum()


class Mute(Loudness):
    """Gives no probability."""

    def forward(  # type: ignore[override]
        self, sustentada: torch.Tensor, parlenda: torch.Tensor
    ) -> str:
        """Return words."""
        del sustentada, parlenda
        return "positive"


class Broken(Loudness):
    """Has a slip that only running finds."""

    def level(self, samples: torch.Tensor) -> torch.Tensor:
        """Return nothing."""
        return samples.loudness()  # type: ignore[attr-defined]


class Doubled(Loudness):
    """Gives one probability a recording."""

    def forward(self, sustentada: torch.Tensor, parlenda: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Return float32[1, 2]."""
        return super().forward(sustentada, parlenda)[1]


@pytest.mark.parametrize(
    ("module", "reason", "said"),
    [
        (ByPosition(), "inputs", r"\(first, second\).*\(sustentada, parlenda\)"),
        (Deciding(), "not-exportable", "no Python `if`"),
        (Mute(), "outputs", "returns a str"),
        (Broken(), "fails-on-a-case", "AttributeError.*loudness"),
        (Doubled(), "outputs", "2 numbers instead of one"),
        (FixedLength(), "fails-on-a-case", "any length"),
        (Loudness(gain=float("nan")), "fails-on-a-case", "not a finite number"),
    ],
)
def test_a_module_that_no_graph_can_be_made_of_is_refused(
    tmp_path: Path, module: nn.Module, reason: str, said: str
) -> None:
    """In words that say what to change."""
    extra = beside(tmp_path / "beside", statement())
    logged = log_torch(tmp_path / "logged", module, extra, serialization_format="pickle")
    with pytest.raises(ModelRefused, match=said) as refusal:
        taken(logged, trust_pickle=True)
    assert refusal.value.details["reason"] == reason


@pytest.mark.parametrize(
    "mlmodel",
    [
        "",
        "[]",
        "flavors: 3",
        "flavors: {pytorch: 3}",
        "flavors: {onnx: {data: ../../secret}}",
        "flavors: {sklearn: {pickled_model: /etc/hostname}}",
        "flavors: {onnx: {}}",
        "{",
    ],
)
def test_a_broken_mlmodel_is_said_to_be_broken(tmp_path: Path, mlmodel: str) -> None:
    """Or one that names files outside."""
    beside(tmp_path / "extra_files", statement(VOWEL), roles=VOWEL)
    (tmp_path / "MLmodel").write_text(mlmodel)
    refused(tmp_path, "no-flavour", "MLmodel")


def test_other_flavours_are_told_the_way(tmp_path: Path) -> None:
    """By way of ONNX."""
    beside(tmp_path / "extra_files", statement(VOWEL), roles=VOWEL)
    (tmp_path / "MLmodel").write_text("flavors: {xgboost: {data: model.ubj}}")
    refused(tmp_path, "flavour", "xgboost.*mlflow.onnx")


@pytest.fixture(scope="module")
def loudness(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """What lies beside a model, and the graph of that model."""
    directory = tmp_path_factory.mktemp("loudness") / "beside"
    beside(directory, statement())
    told, golden = read_author_statement(directory / "bundle.toml"), read_author_golden(directory)
    module = TorchModule(Loudness().eval(), told)
    return directory, module.graph(golden.waveforms(golden.cases[0]), {})


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (Template2022(Loudness(), shift=0.01), "predict gives"),
        (Template2022(Loudness(), diagnosis="negative"), "predict says negative"),
        (Template2022(Loudness(), fails=True), "predict fails: ZeroDivisionError"),
        (Template2022(None), "it has none"),
        (Template2022(Loudness(), second=Loudness()), "it has network, second"),
    ],
)
def test_a_model_of_2022_whose_predict_says_something_else_is_refused(
    tmp_path: Path, loudness: tuple[Path, bytes], template: Template2022, said: str
) -> None:
    """Or one that wraps no module, or several."""
    words, graph = loudness
    logged = log_pyfunc(tmp_path / "logged", template, [str(path) for path in words.iterdir()])
    told, golden = read_author_statement(words / "bundle.toml"), read_author_golden(words)
    with pytest.raises(ModelRefused, match=said):
        prove(
            graph,
            from_pyfunc(logged, told, trusted=True),
            statement=told,
            golden=golden,
            progress=silent,
        )

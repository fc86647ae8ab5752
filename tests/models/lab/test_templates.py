"""The templates that no other test takes the whole way, and the words they begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.errors import ModelRefused
from models.golden import check_golden, read_golden
from models.kinds.statement import read_author_statement
from models.model_directory import STATEMENT
from models.registry import default_tracking_uri, pull
from models.templates.__main__ import log_template, main
from models.templates.study import WORDS


@pytest.mark.parametrize("kind", ["onnx", "2022"])
def test_a_template_is_pulled(tmp_path: Path, kind: str) -> None:
    """Trained, logged, pulled; its graph says of the golden people what its author's form says."""
    uri, model = default_tracking_uri(tmp_path), tmp_path / "model"
    logged = log_template(kind, name="a-model", work=tmp_path, tracking_uri=uri, n_people=8)
    if kind == "2022":
        with pytest.raises(ModelRefused, match="--trust-pickle"):
            pull(logged.model_uri, tracking_uri=uri, target_directory=model)
    pull(logged.model_uri, tracking_uri=uri, target_directory=model, trust_pickle=kind == "2022")
    told, golden = read_author_statement(model / STATEMENT), read_golden(model)
    assert told.name == "a-model"
    said = [logged.score(someone) for someone in logged.people.golden]
    assert [case.probability for case in golden.cases] == pytest.approx(said, abs=1e-6)
    check_golden(
        (model / "model.onnx").read_bytes(),
        golden,
        roles=told.role_names,
        tolerance=1e-5,
        fields=told.answers,
    )


def test_the_words_to_begin_with_are_whole() -> None:
    """Valid as they lie there; a model nobody evaluated is a demonstration."""
    told = read_author_statement(WORDS)
    assert told.demonstration
    assert told.inputs == ("sustentada", "parlenda", "frase", "metadata")


def test_a_server_that_is_not_there_is_said_before_anybody_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a sentence, with an exit status."""
    asked = ["pytorch", "--work", str(tmp_path), "--tracking-uri", "http://127.0.0.1:1"]
    assert main([*asked, "--people", "8"]) == 1
    assert "No MLflow server answers at 127.0.0.1:1" in capsys.readouterr().err

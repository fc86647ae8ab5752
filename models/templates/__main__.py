"""`python -m models.templates KIND`: train a model of that kind, log it, say how to go on."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.errors import ApplianceError
from models.kinds.statement import AuthorStatement, read_author_statement
from models.module_run import run
from models.registry import default_tracking_uri, tracked_run
from models.templates import onnx_graph, pipeline, python_model, torch_network
from models.templates.study import Score, Study, study, tell, words

KINDS: Final = ("pytorch", "onnx", "sklearn", "2022")
WORK: Final = Path("var/lab")
_N_PEOPLE: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A model in MLflow, what it says in its author's own form, and of whom it learned."""

    model_uri: str
    run_id: str
    score: Score
    people: Study


def log_template(
    kind: str, *, name: str, work: Path, tracking_uri: str, n_people: int = _N_PEOPLE
) -> Logged:
    """Train a model of that kind on synthetic people and log it.

    Args:
        kind: one of KINDS.
        name: of the model.
        work: where a new experiment keeps its files if the tracking store is a SQLite file.
        tracking_uri: of MLflow.
        n_people: to train on, even, 8 or more.

    Raises:
        ModelSourceUnavailable: MLflow cannot be reached or refuses.
        InvalidRequest: bundle.toml is malformed.
    """
    statement = words(name)
    with (
        tracked_run(tracking_uri, work / "artifacts") as run,
        tempfile.TemporaryDirectory(prefix="spira-template-") as scratch,
    ):
        people, beside = study(n_people), Path(scratch) / "beside"
        if kind == "sklearn":
            classifier = pipeline.train(people.train, statement)
            score = pipeline.score_of(classifier, statement)
            model_uri = pipeline.log(classifier, tell(beside, name, people, score))
        else:
            network = torch_network.train(people.train, statement)
            score = torch_network.score_of(network, statement)
            files = tell(beside, name, people, score, with_probabilities=kind == "onnx")
            told = read_author_statement(beside / "bundle.toml")
            model_uri = _log_network(kind, network, told, files)
    return Logged(model_uri=model_uri, run_id=run.run_id, score=score, people=people)


def _log_network(
    kind: str,
    network: torch_network.EnvelopeNetwork,
    statement: AuthorStatement,
    files: list[str],
) -> str:
    match kind:
        case "pytorch":
            return torch_network.log(network, statement, files)
        case "onnx":
            return onnx_graph.log(network, statement, files)
    return python_model.log(network, files, statement)


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models.templates", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--name", default="my-model", help="of the model")
    parser.add_argument("--work", type=Path, default=WORK, help="working directory")
    tracking_uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    parser.add_argument("--tracking-uri", default=tracking_uri, help="else a file in --work")
    parser.add_argument("--people", type=int, default=_N_PEOPLE, help="to train on")
    chosen = parser.parse_args(arguments)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # MLflow tells of its run, too
            logged = log_template(
                chosen.kind,
                name=chosen.name,
                work=chosen.work,
                tracking_uri=chosen.tracking_uri or default_tracking_uri(chosen.work),
                n_people=chosen.people,
            )
    except ApplianceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{logged.model_uri}\n")
    sys.stderr.write(f"Next: spira models register {logged.model_uri} --name {chosen.name}\n")
    return 0


if __name__ == "__main__":
    run(main)

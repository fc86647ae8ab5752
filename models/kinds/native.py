"""A model in the form its author gave it; the one place where a pickle may be loaded.

A pickle runs the code of whoever wrote it, so it is loaded in the lab alone, and only where the
person who pulls says so. What comes without one (`pt2`, `skops`, ONNX) needs no such word.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from appliance.core.errors import ModelRefused
from models.first_line import first_line
from models.graph_run import Scored
from models.kinds.statement import Form, Waveforms
from models.mlflow_import import MlflowException, mlflow

_ALLOWED: Final = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"


AUTHORS_ERRORS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What code that is not ours may raise."""


class NativeModel(Protocol):
    """What is to be turned into a graph, and what the graph is held to."""

    def score(self, waveforms: Waveforms, form: Form) -> Scored:
        """Return what the model says. Raises whatever its author's code raises."""

    def graph(self, waveforms: Waveforms, form: Form) -> bytes:
        """Return the ONNX file, traced on these recordings. Raises ModelRefused."""


def refuse_pickle(what: str, instead: str, *, trusted: bool) -> None:
    """Refuse a pickle nobody vouches for. Raises ModelRefused."""
    if not trusted:
        raise ModelRefused(
            f"{what} is a pickle, and loading one runs the code of whoever wrote it. {instead}, "
            "or say --trust-pickle if you know who made it.",
            reason="pickle",
        )


@contextmanager
def pickles_allowed(*, trusted: bool) -> Iterator[None]:
    """Let MLflow load pickles in here, or let it refuse them, whatever the environment says."""
    before = os.environ.get(_ALLOWED)
    os.environ[_ALLOWED] = "true" if trusted else "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ALLOWED]
        else:
            os.environ[_ALLOWED] = before


def load_torch(directory: Path, *, trusted: bool) -> Any:  # noqa: ANN401 - whatever was pickled
    """Return what `mlflow.pytorch` logged. Raises ModelRefused."""
    with _named("the PyTorch model"), pickles_allowed(trusted=trusted):
        return mlflow.pytorch.load_model(str(directory))


def load_sklearn(directory: Path, *, trusted: bool) -> Any:  # noqa: ANN401 - as above
    """Return what `mlflow.sklearn` pickled. Raises ModelRefused."""
    with _named("the scikit-learn model"), pickles_allowed(trusted=trusted):
        return mlflow.sklearn.load_model(str(directory))


def load_python_model(directory: Path, *, trusted: bool) -> Any:  # noqa: ANN401 - as above
    """Return what `mlflow.pyfunc` logged, its context loaded. Raises ModelRefused."""
    with _named("the PythonModel"), pickles_allowed(trusted=trusted):
        return mlflow.pyfunc.load_model(str(directory))


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say which model does not load, and why: mostly a module of its author that is not here."""
    try:
        yield
    except ImportError as error:
        raise ModelRefused(
            f"Loading {what} needs {error.name or 'a module'}, which is not here. Log it with "
            "code_paths, so that its code comes with it.",
            reason="code-missing",
        ) from error
    except (MlflowException, AttributeError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise ModelRefused(
            f"Loading {what} failed: {first_line(error)}. "
            "Log it again with the versions of constraints-lab.txt.",
            reason="not-loadable",
        ) from error

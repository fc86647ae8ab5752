"""A scikit-learn pipeline on pauses, phonation time, F0, jitter, shimmer and HNR.

You train on the columns of `models.acoustics.features`; the pull puts the graph that computes
them in front of yours. Use estimators that skl2onnx knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from models.acoustics.features import feature_names, features
from models.kinds.statement import AuthorStatement
from models.mlflow_import import mlflow
from models.templates.study import Score, Someone


def train(people: Sequence[Someone], statement: AuthorStatement) -> Pipeline:
    """Return a pipeline fitted on these people: classes 0 and 1, columns by their names."""
    rows = pd.concat([_row(someone, statement) for someone in people])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    return classifier.fit(rows, [someone.label for someone in people])


def score_of(classifier: Pipeline, statement: AuthorStatement) -> Score:
    """Return what gives somebody's probability."""
    return lambda someone: float(classifier.predict_proba(_row(someone, statement))[0, 1])


def log(classifier: Pipeline, extra_files: list[str]) -> str:
    """Log a pipeline without a pickle, in the active run; return the model's URI."""
    logged = mlflow.sklearn.log_model(
        classifier,
        name="model",
        serialization_format="skops",
        extra_files=extra_files,
        pip_requirements=["scikit-learn"],
    )
    uri: str = logged.model_uri
    return uri


def _row(someone: Someone, statement: AuthorStatement) -> pd.DataFrame:
    given = someone.inputs(statement)
    roles = statement.role_names
    heard = {role: given[role][0] for role in roles}
    answers = given["metadata"][0] if statement.metadata else None
    names = feature_names(roles, [answer.field for answer in statement.metadata])
    row = features(heard, roles, answers).astype(np.float32)
    return pd.DataFrame([row], columns=list(names))

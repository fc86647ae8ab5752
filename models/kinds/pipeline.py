"""A scikit-learn classifier on our acoustic features: features and classifier in one graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import skl2onnx
import skops.io
from onnx import ModelProto
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
from skops.io.exceptions import UntrustedTypesFoundException

from appliance.core.errors import ModelRefused
from models.acoustics.features import feature_names, features
from models.first_line import first_line
from models.graph_run import Scored
from models.kinds.native import load_sklearn, refuse_pickle
from models.kinds.pipeline_graph import FEATURES, whole_graph
from models.kinds.statement import AuthorStatement, Form, Waveforms
from models.kinds.torch_graph import IR_VERSION, encoded, named
from models.onnx_export.exporting import OPSET

_ML_OPSET: Final = 3


class Pipeline:
    """A classifier of two classes; its columns are `feature_names(roles, answers)`."""

    def __init__(self, classifier: Any, statement: AuthorStatement) -> None:  # noqa: ANN401
        """Take a fitted classifier. Raises ModelRefused: it is another kind, or other columns."""
        self._statement = statement
        self._classifier = classifier
        columns = feature_names(statement.role_names, [a.field for a in statement.answers])
        _check(classifier, columns)
        self._columns = list(columns)
        self._has_names = hasattr(classifier, "feature_names_in_")

    def score(self, waveforms: Waveforms, form: Form) -> Scored:
        """Return what scikit-learn says. Raises whatever the author's code raises."""
        given = self._statement.feed(waveforms, form)
        answers = given["metadata"][0] if self._statement.metadata else None
        row = features(waveforms, self._statement.role_names, answers)[np.newaxis]
        named_row = pd.DataFrame(row, columns=self._columns) if self._has_names else row
        found = self._classifier.predict_proba(named_row)[0]
        return Scored(probability=float(found[1]), windows=found[1:].astype(np.float32))

    def graph(self, waveforms: Waveforms, form: Form) -> bytes:
        """Return the ONNX file of features and classifier. Raises ModelRefused."""
        del waveforms, form
        statement = self._statement
        return encoded(named(whole_graph(statement, self._scores()), statement.inputs))

    def _scores(self) -> ModelProto:
        try:
            model: ModelProto = skl2onnx.to_onnx(
                self._classifier,
                initial_types=[(FEATURES, FloatTensorType([1, len(self._columns)]))],
                target_opset={"": OPSET, "ai.onnx.ml": _ML_OPSET},
                options={id(self._classifier): {"zipmap": False}},
            )
        except (MissingConverter, MissingShapeCalculator, NameError, RuntimeError) as error:
            raise ModelRefused(
                f"skl2onnx cannot convert it: {first_line(error)} Use estimators of its "
                "list of supported ones, such as StandardScaler and LogisticRegression.",
                reason="not-exportable",
            ) from error
        model.ir_version = IR_VERSION
        return model


def from_sklearn(path: Path, statement: AuthorStatement, *, trusted: bool) -> Pipeline:
    """Return a classifier that `mlflow.sklearn` logged as this file. Raises ModelRefused.

    Of skops, types of scikit-learn and numpy are loaded; the list of others that the model itself
    carries is not believed.
    """
    if path.suffix != ".skops":
        refuse_pickle(
            "This scikit-learn model", "Log it with serialization_format='skops'", trusted=trusted
        )
        return Pipeline(load_sklearn(path.parent, trusted=trusted), statement)
    try:
        return Pipeline(skops.io.load(path, trusted=[]), statement)
    except UntrustedTypesFoundException as error:
        raise ModelRefused(
            f"It holds what is not scikit-learn's own: {error}. Make the pipeline of its "
            "estimators alone.",
            reason="foreign-types",
        ) from error


def _check(classifier: Any, columns: Sequence[str]) -> None:  # noqa: ANN401 - any estimator
    classes = getattr(classifier, "classes_", None)
    if not hasattr(classifier, "predict_proba") or classes is None:
        raise ModelRefused(
            f"{type(classifier).__name__} gives no probability: fit a classifier with "
            "predict_proba.",
            reason="kind",
        )
    if not np.array_equal(classes, [0, 1]):
        raise ModelRefused(
            f"Its classes are {list(classes)}: fit it on 0 (control) and 1 (patient).",
            reason="classes",
        )
    named_columns = getattr(classifier, "feature_names_in_", None)
    if named_columns is not None and list(named_columns) != list(columns):
        wrong = next(
            f"{found!r} where {expected!r} belongs"
            for found, expected in zip([*named_columns, None], [*columns, None], strict=False)
            if found != expected
        )
        raise ModelRefused(
            f"Its columns are not those of models.acoustics: {wrong}.", reason="columns"
        )
    if classifier.n_features_in_ != len(columns):
        raise ModelRefused(
            f"It was fitted on {classifier.n_features_in_} columns; the roles and answers of "
            f"bundle.toml give {len(columns)}: fit it on models.acoustics.features.",
            reason="columns",
        )

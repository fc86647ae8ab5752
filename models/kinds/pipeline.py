"""A scikit-learn classifier on our acoustic features: features and classifier in one graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import skl2onnx
import skops.io
import torch
from onnx import ModelProto, TensorProto, helper
from onnx.compose import add_prefix, merge_models
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
from skops.io.exceptions import UntrustedTypesFoundException

from appliance.core.errors import ModelRefused
from appliance.core.scores import PROBABILITY_OUTPUT, RAW_OUTPUT
from models.acoustics.features import AcousticFeatures, feature_names, features
from models.first_line import first_line
from models.graph_run import Scored
from models.kinds.native import load_sklearn, refuse_pickle
from models.kinds.statement import AuthorStatement, Form, Waveforms
from models.kinds.torch_graph import IR_VERSION, encoded, export_module, named
from models.onnx_export.exporting import OPSET

_ML_OPSET: Final = 3
_FEATURES: Final = "features"
_BY_CLASS: Final = "by_class"


class Pipeline:
    """A classifier of two classes; its columns are `feature_names(roles, answers)`."""

    def __init__(self, classifier: Any, statement: AuthorStatement) -> None:  # noqa: ANN401
        """Take a fitted classifier. Raises ModelRefused: it is another kind, or other columns."""
        self._statement = statement
        self._classifier = classifier
        columns = feature_names(statement.role_names, [a.field for a in statement.answers])
        _check(classifier, columns)
        self._n_columns = len(columns)

    def score(self, waveforms: Waveforms, form: Form) -> Scored:
        """Return what scikit-learn says. Raises whatever the author's code raises."""
        given = self._statement.feed(waveforms, form)
        answers = given["metadata"][0] if self._statement.metadata else None
        row = features(waveforms, self._statement.role_names, answers)[np.newaxis]
        found = self._classifier.predict_proba(row)[0]
        return Scored(probability=float(found[1]), windows=found[1:].astype(np.float32))

    def graph(self, waveforms: Waveforms, form: Form) -> bytes:
        """Return the ONNX file of features and classifier. Raises ModelRefused."""
        statement = self._statement
        given = statement.feed(waveforms, form)
        front = export_module(
            AcousticFeatures(len(statement.roles)).eval(),
            tuple(torch.from_numpy(given[name]) for name in statement.inputs),
            statement.inputs,
            (_FEATURES,),
        )
        whole = merge_models(
            front,
            add_prefix(self._scores(), "classifier/"),
            io_map=[(_FEATURES, _prefixed(_FEATURES))],
        )
        _shape_outputs(whole)
        return encoded(named(whole, statement.inputs))

    def _scores(self) -> ModelProto:
        try:
            model: ModelProto = skl2onnx.to_onnx(
                self._classifier,
                initial_types=[(_FEATURES, FloatTensorType([1, self._n_columns]))],
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


def _shape_outputs(model: ModelProto) -> None:
    """Give the probability of a patient as `probability` [1] and `raw_output` [1, 1]."""
    graph = model.graph
    probabilities = next(o.name for o in graph.output if o.type.tensor_type.elem_type == 1)
    for name, values in (("patient", [1]), ("one", [1]), ("square", [1, 1])):
        graph.initializer.append(
            helper.make_tensor(f"{_BY_CLASS}/{name}", TensorProto.INT64, [len(values)], values)
        )
    graph.node.extend(
        [
            helper.make_node(
                "Gather", [probabilities, f"{_BY_CLASS}/patient"], [f"{_BY_CLASS}/column"], axis=1
            ),
            helper.make_node(
                "Reshape", [f"{_BY_CLASS}/column", f"{_BY_CLASS}/one"], [PROBABILITY_OUTPUT]
            ),
            helper.make_node(
                "Reshape", [f"{_BY_CLASS}/column", f"{_BY_CLASS}/square"], [RAW_OUTPUT]
            ),
        ]
    )
    del graph.output[:]
    for name, shape in ((PROBABILITY_OUTPUT, [1]), (RAW_OUTPUT, [1, 1])):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))


def _prefixed(name: str) -> str:
    return f"classifier/{name}"

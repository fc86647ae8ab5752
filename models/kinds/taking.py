"""A logged model of any flavour becomes a model directory: graph, proof, statement, golden set.

Nothing of what was logged is kept but what its author wrote: no pickle leaves this function.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from appliance.core.errors import FileMissing, ModelRefused
from appliance.core.manifest import GRAPH_NAME, Source
from appliance.core.manifest_encoding import encode_manifest
from appliance.core.manifest_json import parse_manifest
from appliance.core.onnx_graph import check_graph, inspect_graph
from models.golden import golden_index
from models.kinds.flavour import flavours_of, native_model
from models.kinds.packing import PROOF, contents_of, encode_proof, proof_record
from models.kinds.proof import prove, require_answer
from models.kinds.statement import AuthorGolden, read_author_golden, read_author_statement
from models.labelled.trained_on import TRAINED_ON
from models.model_directory import (
    GOLDEN,
    GOLDEN_INDEX,
    SOURCE,
    STATEMENT,
    encode_json,
    read_file,
)
from models.progress import Progress

EXTRA: Final = "extra_files"
"""Where MLflow keeps what its author logged beside a model."""
_ARTIFACTS: Final = "artifacts"
"""The same of a PythonModel."""

_SOFTWARE: Final = ("torch", "onnx", "onnxruntime", "scikit-learn", "skl2onnx", "numpy")


def take(
    fetched: Path, source: Source, *, trust_pickle: bool, progress: Progress
) -> dict[str, bytes]:
    """Return the files of the model directory, by path.

    Args:
        fetched: what MLflow logged: `MLmodel`, the model, and `extra_files/`.
        source: where it lies for good.
        trust_pickle: load what runs its author's code.
        progress: told of each step.

    Raises:
        ModelRefused: it cannot be taken as it is; the sentence says what to change.
        InvalidRequest: `bundle.toml` or `golden.json` is malformed.
        ParityBroken: the graph does not say what the model says.
        BundleRefused, GraphRefused: the box would refuse the manifest or the graph.
    """
    flavours_of(fetched)
    extra = fetched / (EXTRA if (fetched / EXTRA).is_dir() else _ARTIFACTS)
    try:
        statement = read_author_statement(extra / STATEMENT)
        golden = read_author_golden(extra)
    except FileMissing as error:
        raise ModelRefused(
            f"It lacks {error.details.get('file')}: log bundle.toml, golden.json and its WAV files "
            f"with the model: as {EXTRA}, of a PythonModel as {_ARTIFACTS} (models/AUTHORS.md).",
            reason="extra-files",
        ) from error
    flavour, model = native_model(fetched, statement, trusted=trust_pickle)
    if flavour == "onnx":
        _require_probabilities(golden)
    require_answer(model, statement, golden)
    progress("exporting", 0, 1)
    first = golden.cases[0]
    graph = model.graph(golden.waveforms(first), first.metadata)
    progress("exporting", 1, 1)
    proof = prove(graph, model, statement=statement, golden=golden, progress=progress)
    scored = golden.scored(proof.probabilities)
    record = proof_record(flavour, graph, proof.parity, _software())
    contents = contents_of(statement, graph=graph, golden=scored, source=source, proof=record)
    parse_manifest(encode_manifest(contents.manifest))
    check_graph(inspect_graph(graph), contents.manifest)
    return {
        GRAPH_NAME: graph,
        PROOF: encode_proof(record),
        SOURCE: encode_json(source),
        STATEMENT: read_file(extra / STATEMENT),
        f"{GOLDEN}/{GOLDEN_INDEX}": golden_index(scored.cases),
        **scored.files,
    } | _trained_on(extra)


def _trained_on(extra: Path) -> dict[str, bytes]:
    """Return the author's list of recordings trained on, if there is one."""
    listed = (extra / TRAINED_ON).is_file()
    return {TRAINED_ON: read_file(extra / TRAINED_ON)} if listed else {}


def _require_probabilities(golden: AuthorGolden) -> None:
    """Refuse a graph that nothing holds to what its author meant."""
    lacking = [case.id for case in golden.cases if case.probability is None]
    if lacking:
        raise ModelRefused(
            f"golden.json gives no probability for {', '.join(lacking)}: an ONNX model has nothing "
            "else to be held to. Score the cases where it was trained and write them down.",
            reason="golden",
        )


def _software() -> dict[str, str]:
    found = {}
    for name in _SOFTWARE:
        try:
            found[name] = version(name).split("+")[0]
        except PackageNotFoundError:
            found[name] = "absent"
    return found

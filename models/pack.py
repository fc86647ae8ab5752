"""Packing: from a model directory to the one signed file that a hospital installs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.core.bundle import check_card, file_order
from appliance.core.container import write_container
from appliance.core.errors import InvalidRequest
from appliance.core.manifest import (
    CARD_NAME,
    GRAPH_NAME,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Golden,
    Manifest,
    Source,
    Training,
)
from appliance.core.manifest_encoding import encode_manifest
from appliance.core.manifest_json import parse_manifest
from appliance.core.onnx_graph import check_graph, inspect_graph
from appliance.core.resampling import SOXR_HQ
from models.card import card
from models.contents import Contents, entries
from models.evaluation.applying import with_caution, with_evaluation
from models.evaluation.findings import Evaluation
from models.evaluation.record import read_evaluation
from models.evaluation.report import page_of
from models.golden import GoldenSet, check_golden, read_golden
from models.kinds.packing import author_contents, is_taken
from models.model_directory import (
    STATEMENT,
    WEIGHTS,
    Statement,
    TrainingRecord,
    read_record,
    read_source,
    read_statement,
)
from models.onnx_export.exporting import OPSET
from models.onnx_export.graph import CONTROL_FLOW, export_graph
from models.parity import Parity, prove_parity
from models.progress import Progress, silent
from models.signing import fingerprint_of, read_private_key
from models.spiraconv.parameters import Parameters, read_parameters, sha256_of
from models.spiraconv.windows import RATE_HZ
from models.whole_file import write_whole

NEVER_EVALUATED: Final = (
    "Never evaluated: nobody knows whether it hears the voice or the room. Evaluate it on"
    " recordings it was not trained on (spira models evaluate), then pack it again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedBundle:
    """A bundle on disk.

    Attributes:
        sha256: of the file.
        key_fingerprint: of the key that signed it.
        parity: how close graph and PyTorch were on this machine.
        warnings: what a hospital must read first; all of it stands on the card.
        page: the card of its evaluation as HTML.
    """

    path: Path
    sha256: str
    n_bytes: int
    name: str
    version: str
    key_fingerprint: str
    parity: Parity
    warnings: tuple[str, ...] = ()
    page: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ingredients:
    statement: Statement
    record: TrainingRecord
    source: Source
    parameters: Parameters
    golden: GoldenSet


def pack(
    model_directory: Path,
    *,
    key_path: Path,
    target_directory: Path,
    statement_path: Path | None = None,
    progress: Progress = silent,
) -> PackedBundle:
    """Export, prove, sign and write `<name>-<version>.spira`; same inputs, same bytes.

    What `spira models evaluate` left in the directory goes into manifest and card, and its page
    is written beside the bundle; where there is none, and patients are to be scored, the card
    says so.

    Args:
        model_directory: see `models.model_directory`.
        key_path: private key that signs, PEM.
        target_directory: where the bundle goes; made if it is not there.
        statement_path: another `bundle.toml` than the directory's.
        progress: told of each step.

    Raises:
        FileMissing, InvalidRequest, ModelSourceUnavailable: an ingredient is absent or malformed.
        ParityBroken, GoldenMismatch: the graph does not say what PyTorch says.
        BundleRefused, GraphRefused: the box would refuse the manifest, the card or the graph.
        TargetUnwritable, DiskFull.
    """
    key = read_private_key(key_path)
    contents = unsigned_contents(model_directory, statement_path=statement_path, progress=progress)
    evaluation = read_evaluation(model_directory)
    contents, warnings = _evaluated(contents, evaluation)
    manifest = contents.manifest
    container = _signed(manifest, contents.files, key)
    path = target_directory / f"{manifest.name}-{manifest.version}.spira"
    page = path.with_suffix(".html") if evaluation is not None else None
    write_whole(path, container)
    if page is not None and evaluation is not None:
        write_whole(page, page_of(manifest, evaluation).encode())
    return PackedBundle(
        path=path,
        sha256=hashlib.sha256(container).hexdigest(),
        n_bytes=len(container),
        name=manifest.name,
        version=manifest.version,
        key_fingerprint=fingerprint_of(key),
        parity=contents.parity,
        warnings=warnings,
        page=page,
    )


def _evaluated(
    contents: Contents, evaluation: Evaluation | None
) -> tuple[Contents, tuple[str, ...]]:
    """Return the contents with what is known of the model, and what must be read first of it."""
    if evaluation is not None:
        return with_evaluation(contents, evaluation), evaluation.warnings
    if contents.manifest.demonstration:
        return contents, ()
    return with_caution(contents, NEVER_EVALUATED), (NEVER_EVALUATED,)


def unsigned_contents(
    model_directory: Path,
    *,
    statement_path: Path | None = None,
    proved: bool = True,
    progress: Progress = silent,
) -> Contents:
    """Return what a bundle of the directory holds, but for its signature and evaluation.

    Args:
        model_directory: see `models.model_directory`.
        statement_path: another `bundle.toml` than the directory's.
        proved: whether the graph is held to PyTorch and to its golden scores here; a draft of a
            statement does only without.
        progress: told of each step.

    Raises:
        FileMissing, InvalidRequest, ModelSourceUnavailable: an ingredient is absent or malformed.
        ParityBroken, GoldenMismatch: the graph does not say what PyTorch says.
    """
    path = statement_path or model_directory / STATEMENT
    if is_taken(model_directory):
        return author_contents(model_directory, path)
    statement = read_statement(path, draft=not proved)
    return _spiraconv(_ingredients(model_directory, statement), progress, proved=proved)


def _spiraconv(taken: _Ingredients, progress: Progress, *, proved: bool) -> Contents:
    """Return what is packed of a training of ours: the graph is exported and proved here."""
    roles = [entry.role for entry in taken.statement.roles]
    progress("exporting", 0, 1)
    graph = export_graph(taken.parameters, roles)
    progress("exporting", 1, 1)
    parity = _proved(graph, taken, progress) if proved else Parity(cases=())
    files = {
        GRAPH_NAME: graph,
        CARD_NAME: card(taken.statement, taken.record).encode(),
        **taken.golden.files,
    }
    return Contents(manifest=_manifest(taken, files), files=files, parity=parity)


def _ingredients(directory: Path, statement: Statement) -> _Ingredients:
    record = read_record(directory)
    parameters = read_parameters(directory / WEIGHTS)
    if sha256_of(parameters) != record.weights_sha256:
        raise InvalidRequest("The weights are not those the training record speaks of.")
    return _Ingredients(
        statement=statement,
        record=record,
        source=read_source(directory),
        parameters=parameters,
        golden=read_golden(directory),
    )


def _proved(graph: bytes, taken: _Ingredients, progress: Progress) -> Parity:
    roles = [entry.role for entry in taken.statement.roles]
    speech = {case.id: taken.golden.waveforms(case) for case in taken.golden.cases}
    tolerance = taken.statement.golden_tolerance
    check_golden(graph, taken.golden, roles=roles, tolerance=tolerance)
    return prove_parity(graph, taken.parameters, roles=roles, speech=speech, progress=progress)


def _signed(manifest: Manifest, files: Mapping[str, bytes], key: Ed25519PrivateKey) -> bytes:
    """Return the container, after the box's own rules have been asked."""
    content = encode_manifest(manifest)
    parse_manifest(content)
    check_graph(inspect_graph(files[GRAPH_NAME]), manifest)
    check_card(files[CARD_NAME])
    contents = {MANIFEST_NAME: content, SIGNATURE_NAME: key.sign(content), **files}
    return write_container([(name, contents[name]) for name in file_order(manifest)])


def _manifest(taken: _Ingredients, files: Mapping[str, bytes]) -> Manifest:
    statement, record = taken.statement, taken.record
    return Manifest(
        name=statement.name,
        version=statement.version,
        sequence=statement.sequence,
        created_at=record.trained_at,
        source=taken.source,
        training=Training(
            description=record.description,
            digest=record.digests["train"],
            n_recordings=record.n_recordings,
        ),
        roles=statement.roles,
        sample_rate_hz=RATE_HZ,
        resampler=SOXR_HQ,
        metadata=(),
        protocols=statement.protocols,
        population=statement.population,
        t_low=record.t_low,
        t_high=record.t_high,
        metrics=record.metrics,
        intended_use=statement.intended_use,
        limits=statement.limits,
        licence=statement.licence,
        demonstration=statement.demonstration,
        opset=OPSET,
        onnxruntime=statement.onnxruntime,
        control_flow=CONTROL_FLOW,
        golden=Golden(tolerance=statement.golden_tolerance, cases=taken.golden.cases),
        files=entries(files),
    )

"""From a model directory of any kind to the contents of its bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from appliance.core.errors import InvalidRequest
from appliance.core.manifest import (
    CARD_NAME,
    CONTROL_FLOW,
    GRAPH_NAME,
    Golden,
    Manifest,
    Source,
    Training,
)
from appliance.core.onnx_graph import GraphSummary, inspect_graph
from appliance.core.resampling import SOXR_HQ
from models.acoustics.period import RATE_HZ
from models.contents import Contents, entries
from models.golden import GoldenSet, check_golden, read_golden
from models.kinds.author_card import author_card
from models.kinds.statement import AuthorStatement, read_author_statement
from models.model_directory import encode_json, read_file, read_source
from models.parity import Compared, Parity

PROOF: Final = "proof.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRecord:
    """What was proved when the model was taken, of the graph with this digest."""

    flavour: str
    graph_sha256: str
    software: Mapping[str, str]
    cases: tuple[Compared, ...]


def proof_record(
    flavour: str, graph: bytes, parity: Parity, software: Mapping[str, str]
) -> ProofRecord:
    """Return the record of a proof."""
    return ProofRecord(
        flavour=flavour,
        graph_sha256=hashlib.sha256(graph).hexdigest(),
        software=software,
        cases=parity.cases,
    )


def is_taken(directory: Path) -> bool:
    """Return whether the directory holds a model that was taken by its flavour."""
    return (directory / PROOF).is_file()


def author_contents(directory: Path, statement_path: Path) -> Contents:
    """Return what the bundle of a taken model holds; the graph repeats its golden scores here.

    Raises:
        FileMissing, InvalidRequest: an ingredient is absent, malformed, or of another graph.
        GoldenMismatch: this machine finds other scores.
    """
    statement = read_author_statement(statement_path)
    graph, record = read_file(directory / GRAPH_NAME), _record(directory)
    if hashlib.sha256(graph).hexdigest() != record.graph_sha256:
        raise InvalidRequest(f"{GRAPH_NAME} is not the graph that {PROOF} speaks of; pull again.")
    golden = read_golden(directory)
    check_golden(
        graph,
        golden,
        roles=statement.role_names,
        tolerance=statement.golden_tolerance,
        fields=statement.answers,
    )
    return contents_of(
        statement,
        graph=graph,
        golden=golden,
        source=read_source(directory),
        proof=record,
    )


def contents_of(
    statement: AuthorStatement,
    *,
    graph: bytes,
    golden: GoldenSet,
    source: Source,
    proof: ProofRecord,
) -> Contents:
    """Return manifest and files of a bundle."""
    files = {
        GRAPH_NAME: graph,
        CARD_NAME: author_card(statement, proof.flavour).encode(),
        **golden.files,
    }
    return Contents(
        manifest=_manifest(statement, golden, source, files),
        files=files,
        parity=Parity(cases=proof.cases),
    )


def _record(directory: Path) -> ProofRecord:
    try:
        return msgspec.json.decode(read_file(directory / PROOF), type=ProofRecord)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{PROOF} is malformed: {error}") from error


def encode_proof(record: ProofRecord) -> bytes:
    """Return `proof.json`."""
    return encode_json(record)


def _manifest(
    statement: AuthorStatement, golden: GoldenSet, source: Source, files: Mapping[str, bytes]
) -> Manifest:
    training = statement.training
    summary = inspect_graph(files[GRAPH_NAME])
    return Manifest(
        name=statement.name,
        version=statement.version,
        sequence=statement.sequence,
        created_at=training.trained_at,
        source=source,
        training=Training(
            description=training.description,
            digest=training.digest,
            n_recordings=training.n_recordings,
        ),
        roles=statement.roles,
        sample_rate_hz=RATE_HZ,
        resampler=SOXR_HQ,
        metadata=statement.answers,
        protocols=statement.protocols,
        population=statement.population,
        t_low=statement.operating_point.t_low,
        t_high=statement.operating_point.t_high,
        metrics=statement.metrics,
        intended_use=statement.intended_use,
        limits=statement.limits,
        licence=statement.licence,
        demonstration=statement.demonstration,
        opset=summary.opsets.get("ai.onnx", 0),
        onnxruntime=statement.onnxruntime,
        control_flow=_control_flow(summary),
        golden=Golden(tolerance=statement.golden_tolerance, cases=golden.cases),
        files=entries(files),
    )


def _control_flow(summary: GraphSummary) -> tuple[str, ...]:
    return tuple(sorted({name for _, name in summary.operators} & CONTROL_FLOW))

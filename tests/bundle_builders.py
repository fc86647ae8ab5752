"""Bundles for tests: small, whole and signed by default; each keyword breaks one thing."""

# ruff: noqa: ANN401 - what may be changed is what `replace` takes

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from appliance.adapters.ed25519_signatures import generate, sign
from appliance.core.bundle import BundleContents, file_order
from appliance.core.container import write_container
from appliance.core.manifest import (
    CARD_NAME,
    GRAPH_NAME,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Encoding,
    FileEntry,
    Golden,
    GoldenCase,
    Manifest,
    MetadataField,
    Metric,
    Population,
    RoleInput,
    RuntimeRange,
    Source,
    Training,
)
from appliance.core.manifest_encoding import encode_manifest, manifest_document
from appliance.core.signing_key import KeyScope, TrustedKey
from appliance.core.wav import read_wav, write_wav

GRAPHS = Path(__file__).resolve().parent / "fixtures" / "graphs"
RATE_HZ = 16_000
CARD = b"# A model for tests\n\nIt measures how loud a recording is.\n"

# Of the graph `voice`, see fixtures/graphs/make_graphs.py.
GAIN, BIAS = 4.0, -1.0
AGE_WEIGHT, GENDER_WEIGHT = 0.01, 0.5


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody who signs bundles."""

    private_pem: bytes
    public_key: bytes

    def trusted(self, scope: KeyScope = KeyScope.CLINICAL, name: str = "author") -> TrustedKey:
        """Return the public half, as a box trusts it."""
        return TrustedKey(public_key=self.public_key, scope=scope, name=name)


@cache
def an_author(name: str = "author") -> Author:
    """Return an author; the same name is the same one all through a run."""
    del name
    return Author(*generate())


def graph_bytes(name: str = "voice") -> bytes:
    """Return a graph of `fixtures/graphs`."""
    return (GRAPHS / f"{name}.onnx").read_bytes()


def a_wav(amplitude: float = 0.25, *, n_samples: int = 800, rate_hz: int = RATE_HZ) -> bytes:
    """Return a WAV of a square wave whose level is the amplitude."""
    level = round(amplitude * 32_768)
    samples = np.where(np.arange(n_samples) // 20 % 2, level, -level)
    return write_wav(np.clip(samples, -32_768, 32_767).astype(np.int16), rate_hz)


def voice_probability(
    wavs: Mapping[str, bytes], *, age: float = -1.0, gender: float = -1.0
) -> float:
    """Return what the graph `voice` must say, worked out without it."""
    heard = np.concatenate([read_wav(wav).waveform() for wav in wavs.values()])
    level = float(np.abs(heard.astype(np.float64)).mean())
    logit = GAIN * level + BIAS + AGE_WEIGHT * age + GENDER_WEIGHT * gender
    return float(1.0 / (1.0 + np.exp(-logit)))


GOLDEN_WAVS = {
    "golden/loud-parlenda.wav": a_wav(0.5),
    "golden/loud-sustentada.wav": a_wav(0.4),
    "golden/soft-frase.wav": a_wav(0.02),
    "golden/soft-parlenda.wav": a_wav(0.01),
    "golden/soft-sustentada.wav": a_wav(0.03),
}


def golden_cases() -> tuple[GoldenCase, ...]:
    """Return two cases: one with answers, one with the optional recording."""
    cases = []
    for name, roles, metadata, numbers in (
        ("loud", ("sustentada", "parlenda"), {"age": 60, "gender": "Feminino"}, (60.0, 1.0)),
        ("soft", ("sustentada", "parlenda", "frase"), {}, (-1.0, -1.0)),
    ):
        recordings = {role: f"golden/{name}-{role}.wav" for role in roles}
        wavs = {role: GOLDEN_WAVS[file] for role, file in recordings.items()}
        probability = voice_probability(wavs, age=numbers[0], gender=numbers[1])
        cases.append(
            GoldenCase(id=name, recordings=recordings, metadata=metadata, probability=probability)
        )
    return tuple(cases)


def bundle_files(**changes: bytes) -> dict[str, bytes]:
    """Return the files a manifest names; keywords replace `graph` and `card`."""
    return {
        GRAPH_NAME: changes.get("graph", graph_bytes()),
        CARD_NAME: changes.get("card", CARD),
        **GOLDEN_WAVS,
    }


def entries_of(files: Mapping[str, bytes]) -> dict[str, FileEntry]:
    """Return what a manifest says of files."""
    return {
        name: FileEntry(n_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    }


def a_manifest(**changes: Any) -> Manifest:
    """Return the manifest of the graph `voice`."""
    manifest = Manifest(
        name="loudness",
        version="1.0.0",
        sequence=1,
        created_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        source=Source(model_uri="models:/loudness@champion", run_id=None, model_version="3"),
        training=Training(description="Square waves.", digest="0" * 64, n_recordings=2),
        roles=(
            RoleInput(role="sustentada", required=True),
            RoleInput(role="parlenda", required=True),
            RoleInput(role="frase", required=False),
        ),
        sample_rate_hz=RATE_HZ,
        resampler="soxr-hq",
        metadata=(
            MetadataField(field="age", encoding=Encoding.NUMBER, missing=-1.0, categories={}),
            MetadataField(
                field="gender",
                encoding=Encoding.CATEGORY,
                missing=-1.0,
                categories={"Masculino": 0.0, "Feminino": 1.0},
            ),
        ),
        protocols=("spira-2022.1",),
        population=Population(age_min=18, age_max=100, mask_types=("NONE", "THIN")),
        t_low=0.35,
        t_high=0.65,
        metrics=(Metric(name="accuracy", value=0.9, low=0.8, high=None, n=2, on="square waves"),),
        intended_use="Tests of the box.",
        limits="Knows nothing of patients.",
        licence="None needed.",
        demonstration=True,
        opset=20,
        onnxruntime=RuntimeRange(minimum="1.20", below="2"),
        control_flow=(),
        golden=Golden(tolerance=1e-6, cases=golden_cases()),
        files=entries_of(bundle_files()),
    )
    return replace(manifest, **changes)


def one_role_manifest(
    graph: bytes, *, amplitude: float = 0.25, expected: float = 0.25, **changes: Any
) -> Manifest:
    """Return the manifest of a graph that hears `sustentada` alone, with one golden case."""
    wavs = {"golden/a-sustentada.wav": a_wav(amplitude)}
    case = GoldenCase(
        id="a",
        recordings={"sustentada": "golden/a-sustentada.wav"},
        metadata={},
        probability=expected,
    )
    return a_manifest(
        roles=(RoleInput(role="sustentada", required=True),),
        metadata=(),
        golden=Golden(tolerance=1e-6, cases=(case,)),
        files=entries_of({GRAPH_NAME: graph, CARD_NAME: CARD, **wavs}),
        **changes,
    )


def one_role_bundle(graph_name: str, *, amplitude: float = 0.25, **changes: Any) -> bytes:
    """Return a bundle of a graph of `fixtures/graphs` that hears `sustentada` alone."""
    graph = graph_bytes(graph_name)
    files = {
        GRAPH_NAME: graph,
        CARD_NAME: CARD,
        "golden/a-sustentada.wav": a_wav(amplitude),
    }
    manifest = one_role_manifest(graph, amplitude=amplitude, **changes)
    return a_bundle(manifest, files=files)


def a_bundle(
    manifest: Manifest | None = None,
    *,
    files: Mapping[str, bytes] | None = None,
    author: Author | None = None,
    deflate: bool = False,
) -> bytes:
    """Return a bundle; the manifest is signed as it is, whatever the files are."""
    manifest = manifest or a_manifest()
    raw = encode_manifest(manifest)
    return packed(raw, files or bundle_files(), manifest=manifest, author=author, deflate=deflate)


def packed(
    raw_manifest: bytes,
    files: Mapping[str, bytes],
    *,
    manifest: Manifest,
    author: Author | None = None,
    deflate: bool = False,
) -> bytes:
    """Return the container of a signed manifest and files, in the manifest's order."""
    whole = {
        MANIFEST_NAME: raw_manifest,
        SIGNATURE_NAME: sign((author or an_author()).private_pem, raw_manifest),
        **files,
    }
    order = [name for name in file_order(manifest) if name in whole]
    rest = [name for name in whole if name not in order]
    return write_container([(name, whole[name]) for name in (*order, *rest)], deflate=deflate)


def a_document(**changes: Any) -> dict[str, Any]:
    """Return the JSON document of a manifest, with members replaced."""
    return {**manifest_document(a_manifest()), **changes}


def document_bytes(document: object) -> bytes:
    """Return a document as JSON."""
    return json.dumps(document).encode()


def bundle_contents(**changes: Any) -> BundleContents:
    """Return what a whole bundle holds, as a store gives it."""
    return BundleContents(
        manifest=a_manifest(**changes), graph=graph_bytes(), golden=dict(GOLDEN_WAVS)
    )

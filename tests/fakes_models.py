"""Fakes of the ports that touch bundles and graphs: in memory, quick, and steerable."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from appliance.adapters.ed25519_signatures import verify
from appliance.core.bundle import (
    BundleContents,
    StagedBundle,
    check_card,
    check_file_order,
    check_golden_recording,
)
from appliance.core.container import contents, read_container
from appliance.core.errors import (
    BundleRefused,
    BundleUntrusted,
    FileMissing,
    GraphRefused,
    ModelUnavailable,
)
from appliance.core.manifest import (
    CARD_NAME,
    GOLDEN_PREFIX,
    GRAPH_NAME,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Manifest,
)
from appliance.core.manifest_json import parse_manifest
from appliance.core.onnx_graph import check_graph, inspect_graph
from appliance.core.scores import Scores, read_scores
from appliance.core.signing_key import TrustedKey

Inputs = Mapping[str, NDArray[np.float32]]


@dataclass
class FakeBundleStore:
    """Bundles in memory, held to every rule that needs no disk; tests damage what they like.

    Attributes:
        staged: files by token, and how long ago they came, in seconds.
        kept: files of installed bundles, by digest.
        age_s: how long ago a bundle was installed, in seconds; now, if it is not named.
    """

    staged: dict[str, tuple[dict[str, bytes], float]] = field(default_factory=dict)
    kept: dict[str, dict[str, bytes]] = field(default_factory=dict)
    age_s: dict[str, float] = field(default_factory=dict)
    tokens: count[int] = field(default_factory=count)
    one: Lock = field(default_factory=Lock)

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Keep all others waiting."""
        with self.one:
            yield

    def stage(
        self, source: Path, *, trusted: Sequence[TrustedKey], never_to_model: Collection[str]
    ) -> StagedBundle:
        """Read a bundle and check it whole."""
        try:
            container = memoryview(source.read_bytes())
        except OSError as error:
            raise FileMissing from error
        members = read_container(container)
        files = {member.name: b"".join(contents(container, member)) for member in members}
        raw, signature = files.get(MANIFEST_NAME, b""), files.get(SIGNATURE_NAME, b"")
        signers = [key for key in trusted if verify(key.public_key, raw, signature)]
        if not signers:
            raise BundleUntrusted(reason="signature")
        manifest = parse_manifest(raw, never_to_model)
        allowed = [key for key in signers if key.may_sign(demonstration=manifest.demonstration)]
        if not allowed:
            raise BundleUntrusted(reason="key-scope")
        check_file_order(tuple(files), manifest)
        _check_files(files, manifest)
        token = f"token-{next(self.tokens)}"
        self.staged[token] = (files, 0.0)
        return StagedBundle(
            token=token,
            digest=hashlib.sha256(raw).hexdigest(),
            manifest=manifest,
            manifest_bytes=raw,
            key_fingerprint=allowed[0].fingerprint,
        )

    def staged_contents(self, staged: StagedBundle) -> BundleContents:
        """Return what a staged bundle holds."""
        if staged.token not in self.staged:
            raise ModelUnavailable(digest=staged.digest)
        return _contents(self.staged[staged.token][0], staged.digest)

    def install(self, staged: StagedBundle) -> None:
        """Keep it under its digest."""
        if staged.token not in self.staged:
            raise ModelUnavailable(digest=staged.digest)
        self.kept[staged.digest] = self.staged.pop(staged.token)[0]
        self.age_s.pop(staged.digest, None)

    def discard(self, staged: StagedBundle) -> None:
        """Forget it."""
        self.staged.pop(staged.token, None)

    def contents(self, digest: str) -> BundleContents:
        """Return what an installed bundle holds."""
        if digest not in self.kept:
            raise ModelUnavailable(digest=digest)
        return _contents(self.kept[digest], digest)

    def is_signed(self, digest: str, trusted: Sequence[TrustedKey]) -> bool:
        """Return whether one of the keys signed the manifest."""
        files = self.kept.get(digest)
        if files is None:
            raise ModelUnavailable(digest=digest)
        raw, signature = files[MANIFEST_NAME], files[SIGNATURE_NAME]
        return any(verify(key.public_key, raw, signature) for key in trusted)

    def graph(self, digest: str) -> bytes:
        """Return the graph of an installed bundle."""
        return self.contents(digest).graph

    def card(self, digest: str) -> str:
        """Return the card of an installed bundle."""
        self.contents(digest)
        return self.kept[digest][CARD_NAME].decode()

    def installed(self, *, older_than_s: float = -math.inf) -> frozenset[str]:
        """Return the digests of the bundles installed so long ago."""
        return frozenset(d for d in self.kept if self.age_s.get(d, 0.0) >= older_than_s)

    def remove(self, digest: str, *, older_than_s: float = -math.inf) -> None:
        """Forget a bundle installed so long ago."""
        if digest in self.installed(older_than_s=older_than_s):
            del self.kept[digest]

    def n_left_behind(self, *, older_than_s: float) -> int:
        """Return how much has been staged for so long."""
        return len(self._left_behind(older_than_s))

    def sweep(self, *, older_than_s: float) -> int:
        """Forget what has been staged for so long."""
        stale = self._left_behind(older_than_s)
        for token in stale:
            del self.staged[token]
        return len(stale)

    def _left_behind(self, older_than_s: float) -> list[str]:
        return [token for token, (_, age_s) in self.staged.items() if age_s >= older_than_s]


def _check_files(files: Mapping[str, bytes], manifest: Manifest) -> None:
    for name, entry in manifest.files.items():
        if hashlib.sha256(files[name]).hexdigest() != entry.sha256:
            raise BundleRefused(reason="file-digest", file=name)
        if name.startswith(GOLDEN_PREFIX):
            check_golden_recording(name, files[name])
    check_card(files[CARD_NAME])
    check_graph(inspect_graph(files[GRAPH_NAME]), manifest)


def _contents(files: Mapping[str, bytes], digest: str) -> BundleContents:
    raw = files.get(MANIFEST_NAME, b"")
    if hashlib.sha256(raw).hexdigest() != digest:
        raise ModelUnavailable(digest=digest, reason="damaged")
    manifest = parse_manifest(raw)
    for name, entry in manifest.files.items():
        if hashlib.sha256(files.get(name, b"")).hexdigest() != entry.sha256:
            raise ModelUnavailable(digest=digest, reason="damaged")
    return BundleContents(
        manifest=manifest,
        graph=files[GRAPH_NAME],
        golden={name: body for name, body in files.items() if name.startswith(GOLDEN_PREFIX)},
    )


def _even(_inputs: Inputs) -> float:
    return 0.5


@dataclass
class FakePredictor:
    """Scores without a runtime; tests say what a graph answers, or how it fails.

    Attributes:
        answer: what a graph answers that has no answer of its own.
        answers: graph digest -> its answer.
        fault: raised by every score, while it is set.
        raw_output: what every graph gives beside its answer; nothing, if it is empty.
        scored: the inputs of every score, in order.
    """

    answer: Callable[[Inputs], float] = _even
    answers: dict[str, Callable[[Inputs], float]] = field(default_factory=dict)
    fault: Exception | None = None
    raw_output: tuple[float, ...] = ()
    version: str = "1.32.0"
    sessions: set[str] = field(default_factory=set)
    scored: list[Inputs] = field(default_factory=list)

    def runtime_version(self) -> str:
        """Return the version tests gave it."""
        return self.version

    def loaded(self) -> frozenset[str]:
        """Return the digests of the graphs that are loaded."""
        return frozenset(self.sessions)

    def ensure_loaded(self, graph_sha256: str, graph: Callable[[], bytes]) -> None:
        """Remember the graph, once its bytes are those of the digest and are a graph."""
        if graph_sha256 in self.sessions:
            return
        content = graph()
        if hashlib.sha256(content).hexdigest() != graph_sha256:
            raise ModelUnavailable(graph_sha256=graph_sha256, reason="damaged")
        try:
            inspect_graph(content)
        except GraphRefused as error:
            raise GraphRefused(reason="load") from error
        self.sessions.add(graph_sha256)

    def unload(self, graph_sha256: str) -> None:
        """Forget the graph."""
        self.sessions.discard(graph_sha256)

    def score(self, graph_sha256: str, inputs: Inputs, *, timeout_s: float) -> Scores:
        """Return the graph's answer, if it is a probability."""
        assert timeout_s > 0
        if graph_sha256 not in self.sessions:
            raise ModelUnavailable(graph_sha256=graph_sha256, reason="not-loaded")
        self.scored.append(inputs)
        if self.fault is not None:
            raise self.fault
        probability = self.answers.get(graph_sha256, self.answer)(inputs)
        outputs = {"probability": np.array([probability], np.float32)}
        if self.raw_output:
            outputs["raw_output"] = np.array([self.raw_output], np.float32)
        return read_scores(outputs)

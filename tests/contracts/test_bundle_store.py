"""The contract of BundleStore, kept by the directories on disk and by the fake."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.adapters.bundle_files import BundleFiles
from appliance.adapters.ed25519_signatures import verify
from appliance.core.bundle import StagedBundle
from appliance.core.errors import (
    ApplianceError,
    BundleRefused,
    BundleUntrusted,
    FileMissing,
    GraphRefused,
    ModelUnavailable,
)
from appliance.core.manifest_encoding import encode_manifest
from appliance.core.signing_key import KeyScope, TrustedKey
from appliance.ports import BundleStore
from tests.bundle_builders import (
    CARD,
    GOLDEN_WAVS,
    a_bundle,
    a_manifest,
    an_author,
    bundle_files,
    entries_of,
    graph_bytes,
    one_role_bundle,
)
from tests.fakes_models import FakeBundleStore

ABSENT = "0" * 64
DIGEST = hashlib.sha256(encode_manifest(a_manifest())).hexdigest()


@dataclass
class Under:
    """A store under test, the stick it reads from, and the ways a test may treat it badly."""

    store: BundleStore
    stick: Path
    damage: Callable[[str, str], None]
    age: Callable[[StagedBundle, float], None]
    age_installed: Callable[[str, float], None]

    def stage(
        self,
        bundle: bytes,
        *,
        trusted: tuple[TrustedKey, ...] | None = None,
        never_to_model: frozenset[str] = frozenset(),
    ) -> StagedBundle:
        """Stage a bundle from the stick; its author is trusted, unless told otherwise."""
        self.stick.write_bytes(bundle)
        keys = (an_author().trusted(),) if trusted is None else trusted
        return self.store.stage(self.stick, trusted=keys, never_to_model=never_to_model)

    def refusal(self, bundle: bytes, *, trusted: tuple[TrustedKey, ...] | None = None) -> str:
        """Return code and reason for which a bundle is refused; nothing is left of it."""
        with pytest.raises(ApplianceError) as refused:
            self.stage(bundle, trusted=trusted)
        assert self.store.sweep(older_than_s=0) == 0
        return f"{refused.value.code}: {refused.value.details['reason']}"


def real(directory: Path) -> Under:
    """Return directories on disk."""
    root, staging = directory / "bundles", directory / "staging"

    def damage(digest: str, name: str) -> None:
        path = root / digest / name
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)

    def age(staged: StagedBundle, seconds: float) -> None:
        at = time.time() - seconds
        os.utime(staging / staged.token, (at, at))

    def age_installed(digest: str, seconds: float) -> None:
        at = time.time() - seconds
        os.utime(root / digest, (at, at))

    store = BundleFiles(root, staging, verify=verify)
    return Under(store, directory / "stick.spira", damage, age, age_installed)


def fake(directory: Path) -> Under:
    """Return the fake."""
    store = FakeBundleStore()

    def damage(digest: str, name: str) -> None:
        content = bytearray(store.kept[digest][name])
        content[-1] ^= 1
        store.kept[digest][name] = bytes(content)

    def age(staged: StagedBundle, seconds: float) -> None:
        store.staged[staged.token] = (store.staged[staged.token][0], seconds)

    def age_installed(digest: str, seconds: float) -> None:
        store.age_s[digest] = seconds

    return Under(store, directory / "stick.spira", damage, age, age_installed)


@pytest.fixture(params=[fake, real], ids=["fake", "real"])
def under(request: pytest.FixtureRequest, tmp_path: Path) -> Under:
    """Each store in turn."""
    make: Callable[[Path], Under] = request.param
    return make(tmp_path)


def test_a_bundle_is_staged_then_installed(under: Under) -> None:
    """What comes out is what was signed; installing empties staging."""
    staged = under.stage(a_bundle())
    assert staged.digest == DIGEST
    assert staged.manifest == a_manifest()
    assert staged.manifest_bytes == encode_manifest(a_manifest())
    assert staged.key_fingerprint == an_author().trusted().fingerprint
    assert under.store.staged_contents(staged).golden == GOLDEN_WAVS
    assert under.store.installed() == frozenset()
    under.store.install(staged)
    assert under.store.installed() == {DIGEST}
    contents = under.store.contents(DIGEST)
    assert contents.manifest == a_manifest()
    assert contents.graph == under.store.graph(DIGEST) == graph_bytes()
    assert contents.golden == GOLDEN_WAVS
    assert under.store.card(DIGEST) == CARD.decode()
    assert under.store.sweep(older_than_s=0) == 0


def test_installing_again_changes_nothing(under: Under) -> None:
    """The same bundle may come twice, packed another way too."""
    under.store.install(under.stage(a_bundle()))
    under.store.install(under.stage(a_bundle(deflate=True)))
    assert under.store.installed() == {DIGEST}
    assert under.store.graph(DIGEST) == graph_bytes()


def test_a_discarded_bundle_is_gone(under: Under) -> None:
    """It can be neither read nor installed, and discarding it again is no error."""
    staged = under.stage(a_bundle())
    under.store.discard(staged)
    under.store.discard(staged)
    with pytest.raises(ModelUnavailable):
        under.store.staged_contents(staged)
    with pytest.raises(ModelUnavailable):
        under.store.install(staged)
    assert under.store.installed() == frozenset()


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "golden/loud-parlenda.wav"])
def test_damage_is_seen_and_healed(under: Under, name: str) -> None:
    """A bundle with one changed bit is unavailable until it is installed again."""
    under.store.install(under.stage(a_bundle()))
    under.damage(DIGEST, name)
    with pytest.raises(ModelUnavailable):
        under.store.contents(DIGEST)
    under.store.install(under.stage(a_bundle()))
    assert under.store.contents(DIGEST).graph == graph_bytes()


def test_a_damaged_card_is_never_given_out(under: Under) -> None:
    """What a hospital reads of a model is what was signed."""
    under.store.install(under.stage(a_bundle()))
    under.damage(DIGEST, "card.md")
    with pytest.raises(ModelUnavailable):
        under.store.card(DIGEST)


def test_a_damaged_graph_is_never_given_out(under: Under) -> None:
    """Nor is one whose manifest was exchanged."""
    for name in ("model.onnx", "manifest.json"):
        under.store.install(under.stage(a_bundle()))
        under.damage(DIGEST, name)
        with pytest.raises(ModelUnavailable):
            under.store.graph(DIGEST)


@pytest.mark.parametrize("digest", [ABSENT, "", "..", "../bundles", "/etc", DIGEST.upper()])
def test_what_is_not_here_is_unavailable(under: Under, digest: str) -> None:
    """An unknown digest, or one that is none: removing it is no error."""
    under.store.install(under.stage(a_bundle()))
    with pytest.raises(ModelUnavailable):
        under.store.graph(digest)
    with pytest.raises(ModelUnavailable):
        under.store.contents(digest)
    with pytest.raises(ModelUnavailable):
        under.store.card(digest)
    under.store.remove(digest)
    assert under.store.installed() == {DIGEST}


def test_a_removed_bundle_is_gone(under: Under) -> None:
    """And may come back."""
    under.store.install(under.stage(a_bundle()))
    under.store.remove(DIGEST)
    assert under.store.installed() == frozenset()
    with pytest.raises(ModelUnavailable):
        under.store.graph(DIGEST)
    under.store.install(under.stage(a_bundle()))
    assert under.store.graph(DIGEST) == graph_bytes()


def test_the_sweep_takes_what_crashes_left(under: Under) -> None:
    """Old leavings go, what is being installed stays."""
    old, new = under.stage(a_bundle()), under.stage(a_bundle())
    under.age(old, 7200)
    assert under.store.n_left_behind(older_than_s=3600) == 1
    assert under.store.sweep(older_than_s=3600) == 1
    assert under.store.n_left_behind(older_than_s=3600) == 0
    with pytest.raises(ModelUnavailable):
        under.store.install(old)
    under.store.install(new)
    assert under.store.installed() == {DIGEST}


def test_an_old_bundle_is_told_from_a_young_one(under: Under) -> None:
    """Only the old one is removed, when the old are to go."""
    under.store.install(under.stage(a_bundle()))
    under.store.remove(DIGEST, older_than_s=3600)
    assert under.store.installed(older_than_s=3600) == frozenset()
    assert under.store.installed() == {DIGEST}
    under.age_installed(DIGEST, 7200)
    assert under.store.installed(older_than_s=3600) == {DIGEST}
    under.store.remove(DIGEST, older_than_s=3600)
    assert under.store.installed() == frozenset()


def test_installing_again_makes_a_bundle_young(under: Under) -> None:
    """Its row is about to be written: nobody may take it for a leaving meanwhile."""
    under.store.install(under.stage(a_bundle()))
    under.age_installed(DIGEST, 7200)
    under.store.install(under.stage(a_bundle()))
    under.store.remove(DIGEST, older_than_s=3600)
    assert under.store.contents(DIGEST).graph == graph_bytes()


def test_a_missing_source_is_named(under: Under) -> None:
    """No file, or a folder: the caller named the wrong thing."""
    for source in (under.stick.with_name("absent.spira"), under.stick.parent):
        with pytest.raises(FileMissing):
            under.store.stage(source, trusted=(), never_to_model=frozenset())


def test_only_trusted_keys_count(under: Under) -> None:
    """Nobody trusted, somebody else trusted, or signed by somebody else: refused."""
    untrusted = "bundle-untrusted: signature"
    stranger = an_author("stranger")
    assert under.refusal(a_bundle(), trusted=()) == untrusted
    assert under.refusal(a_bundle(), trusted=(stranger.trusted(),)) == untrusted
    assert under.refusal(a_bundle(author=stranger)) == untrusted
    both = (stranger.trusted(), an_author().trusted())
    assert under.stage(a_bundle(), trusted=both).key_fingerprint == both[1].fingerprint


def test_a_demonstration_key_signs_demonstrations_only(under: Under) -> None:
    """Its private half is public: with it alone nobody's patients are scored."""
    public = an_author().trusted(KeyScope.DEMONSTRATION)
    clinical = a_bundle(a_manifest(demonstration=False))
    assert under.refusal(clinical, trusted=(public,)) == "bundle-untrusted: key-scope"
    assert under.stage(a_bundle(), trusted=(public,)).manifest.demonstration
    assert not under.stage(clinical).manifest.demonstration


def test_fields_kept_from_models_are_refused(under: Under) -> None:
    """As the installed protocols mark them."""
    with pytest.raises(BundleRefused) as refused:
        under.stage(a_bundle(), never_to_model=frozenset({"gender"}))
    assert refused.value.errors[0].code == "label-in-disguise"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"model.onnx": graph_bytes("loudest")}, "bundle-refused: file-digest"),
        ({"card.md": b"Trust me."}, "bundle-refused: file-digest"),
        ({"card.md": bundle_files()["card.md"].swapcase()}, "bundle-refused: file-digest"),
        ({"golden/x.wav": b"RIFF"}, "bundle-refused: files"),
        ({"weights.bin": b"\0"}, "bundle-refused: files"),
        ({"model.pkl": b"\x80\x04."}, "bundle-refused: files"),
    ],
)
def test_files_are_those_that_were_signed(
    under: Under, changed: dict[str, bytes], reason: str
) -> None:
    """None is exchanged, none is added."""
    assert under.refusal(a_bundle(files={**bundle_files(), **changed})) == reason


@pytest.mark.parametrize("name", sorted(bundle_files()))
def test_no_file_may_be_left_out(under: Under, name: str) -> None:
    """A bundle is whole."""
    files = {key: body for key, body in bundle_files().items() if key != name}
    assert under.refusal(a_bundle(files=files)) == "bundle-refused: files"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"model.onnx": b"\x80\x04\x95pickle"}, "graph-refused: not-onnx"),
        ({"model.onnx": graph_bytes("external_initializer")}, "graph-refused: external-data"),
        ({"model.onnx": graph_bytes("loudest")}, "graph-refused: inputs"),
        ({"golden/soft-frase.wav": b"\x80\x04\x95pickle"}, "bundle-refused: golden-audio"),
        ({"card.md": b"\x80\x04\x95pickle"}, "bundle-refused: card"),
        ({"card.md": b"a" * (1024 * 1024 + 1)}, "bundle-refused: card"),
    ],
)
def test_a_signature_does_not_excuse_the_contents(
    under: Under, changed: dict[str, bytes], reason: str
) -> None:
    """What a trusted author signed by mistake is refused all the same."""
    files = {**bundle_files(), **changed}
    manifest = a_manifest(files=entries_of(files))
    assert under.refusal(a_bundle(manifest, files=files)) == reason


def test_undeclared_control_flow_is_refused(under: Under) -> None:
    """The manifest says what a graph may do."""
    with pytest.raises(GraphRefused):
        under.stage(one_role_bundle("scanning"))
    assert under.stage(one_role_bundle("scanning", control_flow=("Scan",))).digest


def test_the_signature_comes_first(under: Under) -> None:
    """A broken manifest that nobody trusted signed is not even read."""
    with pytest.raises(BundleUntrusted):
        under.stage(a_bundle(a_manifest(sequence=0), author=an_author("stranger")))
    with pytest.raises(BundleRefused):
        under.stage(a_bundle(a_manifest(sequence=0)))


def test_one_at_a_time_is_one(under: Under) -> None:
    """Whoever asks second waits until the first has done, whatever became of it."""
    order = []

    def second() -> None:
        with under.store.one_at_a_time():
            order.append("second")

    other = threading.Thread(target=second)
    with contextlib.suppress(ModelUnavailable), under.store.one_at_a_time():
        other.start()
        other.join(timeout=0.2)
        order.append("first")
        raise ModelUnavailable
    other.join(timeout=10)
    assert order == ["first", "second"]

"""Packing: the committed bundle is what the committed weights give, on any machine."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from appliance.core.container import contents, read_container
from appliance.core.errors import FileMissing, GoldenMismatch, InvalidRequest
from appliance.core.manifest import Manifest
from appliance.core.manifest_json import parse_manifest
from appliance.core.quality import measure
from appliance.core.wav import read_wav
from models.demonstrating import BUNDLE, DEMONSTRATION, KEY, PUBLIC_KEY, pack_demonstration
from models.golden import read_golden
from models.model_directory import RECORD, SOURCE, STATEMENT, WEIGHTS, read_record
from models.pack import pack
from models.retrain import STATED_ACCURACY
from models.spiraconv.parameters import read_parameters, sha256_of


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """The files of the committed bundle."""
    container = memoryview(BUNDLE.read_bytes())
    return {m.name: b"".join(contents(container, m)) for m in read_container(container)}


@pytest.fixture(scope="module")
def manifest(files: dict[str, bytes]) -> Manifest:
    """What the committed bundle says of itself."""
    return parse_manifest(files["manifest.json"])


def test_packing_gives_the_committed_bundle(tmp_path: Path) -> None:
    """Byte for byte; and the committed file is small enough to be committed."""
    packed = pack_demonstration(tmp_path)
    assert packed.path.read_bytes() == BUNDLE.read_bytes()
    assert packed.n_bytes <= 6_000_000
    assert packed.sha256 == hashlib.sha256(BUNDLE.read_bytes()).hexdigest()


def test_the_signature_is_the_demonstration_keys(files: dict[str, bytes]) -> None:
    """Over the raw bytes of the manifest."""
    public = load_pem_public_key(PUBLIC_KEY.read_bytes())
    public.verify(files["manifest.sig"], files["manifest.json"])  # type: ignore[union-attr, call-arg]


def test_every_file_has_the_length_and_digest_of_the_manifest(
    files: dict[str, bytes], manifest: Manifest
) -> None:
    """And there are no others."""
    packed = {n: c for n, c in files.items() if not n.startswith("manifest.")}
    assert packed.keys() == manifest.files.keys()
    for name, content in packed.items():
        assert len(content) == manifest.files[name].n_bytes
        assert hashlib.sha256(content).hexdigest() == manifest.files[name].sha256


def test_it_says_what_it_is(files: dict[str, bytes], manifest: Manifest) -> None:
    """A demonstration on synthetic voices, in manifest and card."""
    card = files["card.md"].decode()
    assert manifest.demonstration
    assert "nothing about patients" in card
    assert "nothing about patients" in manifest.limits
    assert f"{manifest.t_high:.2f}" in card


def test_it_states_at_least_the_accuracy_every_training_must_reach(manifest: Manifest) -> None:
    """With its interval, on people nobody trained with."""
    accuracy = next(metric for metric in manifest.metrics if metric.name == "accuracy")
    assert accuracy.value >= STATED_ACCURACY
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.low < accuracy.value < accuracy.high
    assert 0 < manifest.t_low < manifest.t_high < 1


def test_the_record_is_of_these_weights() -> None:
    """Neither can be exchanged alone."""
    weights = read_parameters(DEMONSTRATION / WEIGHTS)
    assert read_record(DEMONSTRATION).weights_sha256 == sha256_of(weights)


def test_golden_cases_show_both_answers_and_both_shapes(manifest: Manifest) -> None:
    """Two patients found positive, two controls negative, one of each without `frase`."""
    cases = manifest.golden.cases
    assert sorted(case.id.split("-")[0] for case in cases) == ["control"] * 2 + ["patient"] * 2
    for case in cases:
        positive = case.probability >= manifest.t_high
        assert positive or case.probability <= manifest.t_low
        assert positive == case.id.startswith("patient")
    assert ["frase" in case.recordings for case in cases].count(True) == 2


def test_golden_recordings_pass_the_quality_check(files: dict[str, bytes]) -> None:
    """The demonstration sends them through the real box."""
    recordings = {n: read_wav(c) for n, c in files.items() if n.endswith(".wav")}
    for name, wav in recordings.items():
        found = measure(wav.waveform(), wav.sample_rate_hz)
        assert found.level_db is not None, name
        assert found.level_db > -35, name
        assert found.clipped_frac == found.dead_frac == 0, name
        assert found.active_s > 2, name


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A model directory of one's own."""
    shutil.copytree(DEMONSTRATION, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("name", [WEIGHTS, RECORD, SOURCE, STATEMENT, "golden/golden.json"])
def test_an_absent_ingredient_is_named(copied: Path, tmp_path: Path, name: str) -> None:
    """And nothing is written."""
    (copied / name).unlink()
    with pytest.raises(FileMissing, match=Path(name).name.replace(".", r"\.")):
        pack(copied, key_path=KEY, target_directory=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_of_another_record_are_refused(copied: Path, tmp_path: Path) -> None:
    """What was measured must be what is packed."""
    record = (copied / RECORD).read_text()
    (copied / RECORD).write_text(record.replace('"weights_sha256": "', '"weights_sha256": "0'))
    with pytest.raises(InvalidRequest):
        pack(copied, key_path=KEY, target_directory=tmp_path / "out")


def test_a_statement_with_an_unknown_shape_is_refused(copied: Path, tmp_path: Path) -> None:
    """The author reads which field is wrong."""
    statement = (copied / STATEMENT).read_text()
    (copied / STATEMENT).write_text(statement.replace("sequence = 1", 'sequence = "first"'))
    with pytest.raises(InvalidRequest, match="sequence"):
        pack(copied, key_path=KEY, target_directory=tmp_path / "out")


def test_golden_scores_of_another_model_are_refused(copied: Path, tmp_path: Path) -> None:
    """A graph that does not repeat them is not packed, and nothing is written."""
    index = copied / "golden" / "golden.json"
    shown = f"{read_golden(copied).cases[0].probability}"
    index.write_text(index.read_text().replace(shown, "0.123456"))
    with pytest.raises(GoldenMismatch):
        pack(copied, key_path=KEY, target_directory=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_ctrl_c_leaves_no_half_bundle(tmp_path: Path) -> None:
    """Stopped before the last step, nothing is there."""

    def stop(step: str, done: int, total: int) -> None:
        del total
        if step == "parity" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack_demonstration(tmp_path / "out", progress=stop)
    assert not (tmp_path / "out").exists()


def test_the_committed_weights_are_plain_numbers() -> None:
    """No pickle is in the repository."""
    with np.load(DEMONSTRATION / WEIGHTS, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype == np.float32 for name in arrays.files)

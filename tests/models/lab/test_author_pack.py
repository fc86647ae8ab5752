"""What an author says of a model of any kind: read strictly, and carried into bundle and card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from appliance.core.bundle import cautions_of
from appliance.core.container import contents, read_container
from appliance.core.errors import (
    ApplianceError,
    BundleRefused,
    GoldenMismatch,
    InvalidRequest,
    ModelRefused,
)
from appliance.core.manifest import Manifest
from appliance.core.manifest_json import parse_manifest
from models.demonstrating import KEY
from models.pack import NEVER_EVALUATED, pack
from tests.models.lab.authors import (
    Loudness,
    LoudnessWithAnswers,
    directory_with_answers,
    log_torch,
    taken,
)
from tests.models.lab.statements import METADATA, SOURCE, beside, statement


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory, as a pull leaves it."""
    return directory_with_answers(tmp_path_factory.mktemp("author"))


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    """A copy of one's own."""
    shutil.copytree(whole, tmp_path / "model")
    return tmp_path / "model"


def packed(model: Path, target: Path) -> tuple[Manifest, str, bytes]:
    """Return manifest and card of the bundle packed of it, and its bytes."""
    container = pack(model, key_path=KEY, target_directory=target).path.read_bytes()
    files = {
        member.name: b"".join(contents(memoryview(container), member))
        for member in read_container(memoryview(container))
    }
    return parse_manifest(files["manifest.json"]), files["card.md"].decode(), container


def test_a_model_that_nobody_evaluated_says_so(model: Path, tmp_path: Path) -> None:
    """To whoever packs it, and by its card to the hospital; a demonstration says enough."""
    assert pack(model, key_path=KEY, target_directory=tmp_path / "a").warnings == ()
    told = model / "bundle.toml"
    told.write_text(told.read_text().replace("demonstration = true", "demonstration = false"))
    _, card, _ = packed(model, tmp_path / "b")
    assert cautions_of(card) == (NEVER_EVALUATED,)
    assert pack(model, key_path=KEY, target_directory=tmp_path / "b").warnings == cautions_of(card)


def test_the_bundle_says_what_the_author_said(model: Path, tmp_path: Path) -> None:
    """Manifest and card; packed twice, the same bytes."""
    manifest, card, container = packed(model, tmp_path / "a")
    assert [answer.field for answer in manifest.metadata] == ["age", "gender", "mask_type"]
    assert [(entry.role, entry.required) for entry in manifest.roles] == [
        ("sustentada", True),
        ("parlenda", False),
    ]
    assert (manifest.t_low, manifest.t_high) == (0.3, 0.7)
    assert manifest.source == SOURCE
    assert manifest.golden.cases[0].metadata == {"age": 70, "mask_type": "THIN"}
    assert "parlenda (optional)" in card
    assert "age, gender, mask_type" in card
    assert "| Accuracy at 0.5 | 0.800 | 0.700 to 0.900 | 100 | nobody |" in card
    assert "Logged with MLflow as `pytorch`" in card
    assert packed(model, tmp_path / "b")[2] == container


def test_a_card_without_figures_says_so(model: Path, tmp_path: Path) -> None:
    """Nobody is left to think that it was tried."""
    told = model / "bundle.toml"
    text = told.read_text()
    start, end = text.index("[[metrics]]"), text.index("[population]")
    told.write_text("metrics = []\n" + text[:start] + text[end:])
    assert "nobody knows how good it is" in packed(model, tmp_path / "a")[1]


def test_another_graph_than_the_proved_one_is_not_packed(model: Path, tmp_path: Path) -> None:
    """Nor one that does not repeat its golden scores here."""
    graph = (model / "model.onnx").read_bytes()
    (model / "model.onnx").write_bytes(graph + b"\x00")
    with pytest.raises(InvalidRequest, match=r"not the graph that proof\.json speaks of"):
        packed(model, tmp_path / "a")
    (model / "model.onnx").write_bytes(graph)
    golden = json.loads((model / "golden" / "golden.json").read_text())
    golden["cases"][0]["probability"] += 0.01
    (model / "golden" / "golden.json").write_text(json.dumps(golden))
    with pytest.raises(GoldenMismatch):
        packed(model, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def of_statement(tmp_path: Path, text: str, golden: str | None = None) -> ApplianceError:
    """Return what is raised where that is logged beside a model."""
    extra = beside(tmp_path / "beside", text)
    if golden is not None:
        (tmp_path / "beside" / "golden.json").write_text(golden)
    logged = log_torch(tmp_path / "logged", Loudness(), extra, serialization_format="pickle")
    with pytest.raises(ApplianceError) as refusal:
        taken(logged, trust_pickle=True)
    return refusal.value


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('licence = "MIT"', 'license = "MIT"', "it has license; known are"),
        ("sequence = 1", 'sequence = "first"', "sequence"),
        ("05Z", "05", "training.trained_at has no time zone"),
        ("t_low = 0.3", "", "t_low"),
        ("[training]", "[training", "malformed"),
    ],
)
def test_a_malformed_statement_is_named_by_its_field(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    """And an unknown key is refused: a slip would be passed over."""
    error = of_statement(tmp_path, statement().replace(old, new))
    assert isinstance(error, InvalidRequest)
    assert said in str(error)
    assert error.errors[0].field == "bundle.toml"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "loudness"', 'name = "Loudness!"'),
        ('field = "age"', 'field = "hospitalized"'),
    ],
)
def test_what_a_box_would_refuse_is_refused_here(tmp_path: Path, old: str, new: str) -> None:
    """On the workstation, by the box's own rules; the label in disguise among them."""
    told = statement(metadata=METADATA).replace(old, new)
    extra = beside(tmp_path / "beside", told)
    logged = log_torch(
        tmp_path / "logged", LoudnessWithAnswers(), extra, serialization_format="pickle"
    )
    with pytest.raises(BundleRefused):
        taken(logged, trust_pickle=True)


@pytest.mark.parametrize(
    "golden",
    [
        "[]",
        '{"cases": []}',
        '{"cases": [{"id": "a", "recordings": {"sustentada": "/etc/passwd"}}]}',
        '{"cases": [{"id": "a", "recordings": {"sustentada": "golden/../x.wav"}}]}',
        '{"cases": [{"recordings": {}}]}',
    ],
)
def test_malformed_golden_cases_are_refused(tmp_path: Path, golden: str) -> None:
    """No case, a case without a name, and recordings elsewhere."""
    error = of_statement(tmp_path, statement(), golden)
    assert isinstance(error, InvalidRequest)
    assert "golden.json" in str(error)


def test_the_first_golden_case_has_every_required_role(tmp_path: Path) -> None:
    """What is odd is tried with speech in the others."""
    told = statement().replace("required = false", "required = true")
    golden = json.dumps(
        {"cases": [{"id": "a", "recordings": {"sustentada": "golden/0-sustentada.wav"}}]}
    )
    error = of_statement(tmp_path, told, golden)
    assert isinstance(error, ModelRefused)
    assert "lacks parlenda" in str(error)


@pytest.mark.parametrize("name", ["bundle.toml", "golden.json", "0-parlenda.wav"])
def test_what_is_not_logged_beside_the_model_is_named(tmp_path: Path, name: str) -> None:
    """With where it has to lie."""
    extra = [path for path in beside(tmp_path / "b", statement()) if Path(path).name != name]
    logged = log_torch(tmp_path / "logged", Loudness(), extra, serialization_format="pickle")
    with pytest.raises(ModelRefused, match=name):
        taken(logged, trust_pickle=True)

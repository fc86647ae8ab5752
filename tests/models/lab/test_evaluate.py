"""`spira models evaluate` the whole way: voices, a model, its card, its bundle."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from appliance.core.bundle import file_order
from appliance.core.container import contents, read_container, write_container
from appliance.core.errors import BundleRefused, InvalidRequest, TargetNotEmpty
from appliance.core.manifest import (
    CARD_NAME,
    GRAPH_NAME,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    Golden,
    GoldenCase,
    Manifest,
)
from appliance.core.manifest_encoding import encode_manifest
from appliance.core.manifest_json import parse_manifest
from cli import app
from models.contents import Contents
from models.demonstrating import DEMONSTRATION, KEY
from models.evaluation.applying import with_evaluation
from models.evaluation.calibration import Platt
from models.evaluation.evaluate import EvaluationPlan, evaluate
from models.evaluation.findings import Evaluation
from models.evaluation.keeping import MARKDOWN, PAGE, keep, refuse_target
from models.evaluation.opening import open_model
from models.evaluation.record import EVALUATION, encode_evaluation, read_evaluation
from models.evaluation.rendering import as_markdown
from models.evaluation.report import evaluation_blocks
from models.evaluation.telling import document, lines
from models.golden import read_golden
from models.graph_run import GraphRun
from models.labelled.reading import read_labelled
from models.labelled.splitting import parts
from models.labelled.trained_on import TRAINED_ON, encode_trained_on, recordings_of
from models.model_directory import STATEMENT
from models.pack import unsigned_contents
from models.progress import silent
from models.training.metrics import wilson
from models.voices.cohort import ROLES, Split, people
from tests.bundle_builders import CARD, a_wav, entries_of
from tests.models.lab.made_models import ROLE, hears_the_voice, opened, put_people
from tests.models.labelled_builders import put_export, put_text, put_wav

N_VOICES = 16


@dataclass(frozen=True)
class Evaluated:
    """A model directory that was evaluated and packed at the console."""

    directory: Path
    said: dict[str, object]
    packed: dict[str, object]
    manifest: Manifest
    files: dict[str, bytes]


def spira(*arguments: str) -> dict[str, object]:
    """Run `spira` and return its document."""
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    document: dict[str, object] = json.loads(done.stdout)
    return document


def files_of(bundle: Path) -> dict[str, bytes]:
    """Return what is in a bundle."""
    container = memoryview(bundle.read_bytes())
    return {m.name: b"".join(contents(container, m)) for m in read_container(container)}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """Synthetic voices, half of them to choose the operating point of the demonstration model."""
    work = tmp_path_factory.mktemp("evaluated")
    for someone in people(Split.TEST, N_VOICES, seed=77):
        label = "positive" if someone.group == "patient" else "negative"
        for role, pcm in someone.recordings.items():
            put_wav(work / "voices" / label / f"p{someone.index}" / f"{role}.wav", pcm)
    directory = work / "model"
    shutil.copytree(DEMONSTRATION, directory)
    low_aims = ("--sensitivity", "0.5", "--specificity", "0.5", "--draws", "100")
    said = spira(
        *("models", "evaluate", str(directory), str(work / "voices")),
        *("--validation", "0.5", *low_aims),
    )
    packed = spira("models", "pack", str(directory), "--key", str(KEY), "--out", str(work))
    files = files_of(next(work.glob("*.spira")))
    manifest = parse_manifest(files[MANIFEST_NAME])
    return Evaluated(directory, said, packed, manifest, files)


def test_it_is_kept_beside_the_model(evaluated: Evaluated) -> None:
    """Record, Markdown and page; what a program is told is in the record."""
    record = read_evaluation(evaluated.directory)
    told = evaluated.said["evaluation"]
    assert record is not None
    assert isinstance(told, dict)
    assert (told["n_positive"], told["n_negative"]) == (N_VOICES / 4, N_VOICES / 4)
    assert told["digest"] == record.sample.digest
    assert {one["name"] for one in told["metrics"]} == {one.name for one in record.metrics}
    assert told["warnings"] == list(record.warnings)
    assert record.point is not None
    assert told["rule"] == record.point.rule
    assert record.point.digest != record.sample.digest
    assert "Leak report" in (evaluated.directory / MARKDOWN).read_text()
    assert "<svg" in (evaluated.directory / PAGE).read_text()


def test_the_manifest_carries_point_and_metrics(evaluated: Evaluated) -> None:
    """Thresholds are the point's, metrics the evaluation's; the card tells both."""
    record = read_evaluation(evaluated.directory)
    manifest = evaluated.manifest
    assert record is not None
    assert record.point is not None
    assert manifest.operating_point is not None
    assert manifest.operating_point.rule == record.point.rule
    assert manifest.operating_point.digest == record.point.digest
    assert (manifest.t_low, manifest.t_high) == (record.point.t_low, record.point.t_high)
    assert manifest.metrics == record.metrics
    names = {metric.name for metric in manifest.metrics}
    assert names >= {"accuracy", "sensitivity", "specificity", "auc", "brier", "flips_at_10_db"}
    card = evaluated.files[CARD_NAME].decode()
    assert record.point.rule in card
    assert "Leak report" in card
    assert "Intended use" in card


def test_calibration_is_in_the_graph_and_in_its_golden_scores(evaluated: Evaluated) -> None:
    """A box that knows nothing of Platt says calibrated probabilities, to the last digits."""
    point = evaluated.manifest.operating_point
    assert point is not None
    platt = Platt(slope=point.slope, intercept=point.intercept)
    golden = read_golden(DEMONSTRATION)
    run = GraphRun(evaluated.files[GRAPH_NAME], ROLES)
    for before, after in zip(golden.cases, evaluated.manifest.golden.cases, strict=True):
        expected = float(platt(np.array([before.probability]))[0])
        found = run(golden.waveforms(before))
        assert after.probability == pytest.approx(expected, abs=1e-6)
        assert found.probability == pytest.approx(expected, abs=1e-5)
        # What each window says stays as it was.
        assert found.windows.mean() == pytest.approx(before.probability, abs=1e-5)


def test_packing_tells_the_warnings_and_leaves_a_page(evaluated: Evaluated) -> None:
    """In words at the console, and as HTML beside the bundle."""
    record = read_evaluation(evaluated.directory)
    bundle = evaluated.packed["bundle"]
    assert record is not None
    assert isinstance(bundle, dict)
    assert bundle["warnings"] == list(record.warnings)
    page = Path(str(bundle["path"])).with_suffix(".html").read_text()
    assert "Demonstration model" in page


def test_the_bundle_says_on_the_test_part_what_was_evaluated(evaluated: Evaluated) -> None:
    """Heard again through the packed graph: the same answers, area and Brier score."""
    record = read_evaluation(evaluated.directory)
    bundle = evaluated.packed["bundle"]
    assert record is not None
    assert isinstance(bundle, dict)
    model = open_model(Path(str(bundle["path"])), progress=silent)
    voices = read_labelled(evaluated.directory.parent / "voices")
    shares = {"validation": 0.5, "test": 0.5}
    own = replace(voices, cases=parts(voices.cases, shares, seed=record.seed)["test"])

    again = evaluate(model, own, EvaluationPlan(n_draws=100))

    assert again.sample == record.sample
    assert again.answers == record.answers
    for name in ("auc", "brier"):
        first, second = (
            next(metric.value for metric in one.metrics if metric.name == name)
            for one in (record, again)
        )
        assert second == pytest.approx(first, abs=1e-6)
    with pytest.raises(InvalidRequest) as refusal:
        evaluate(model, voices, EvaluationPlan(validation=0.5))
    assert refusal.value.errors[0].code == "bundle"


@pytest.fixture(scope="module")
def base(evaluated: Evaluated) -> Contents:
    """What would be packed of the model if it had not been evaluated."""
    return unsigned_contents(evaluated.directory, proved=False)


def test_an_evaluation_of_another_graph_is_not_packed(evaluated: Evaluated, base: Contents) -> None:
    """What was measured must be what is packed."""
    record = read_evaluation(evaluated.directory)
    assert record is not None

    again = with_evaluation(base, record)
    with pytest.raises(InvalidRequest, match="another graph"):
        with_evaluation(base, replace(record, graph_sha256="0" * 64))

    assert again.files[GRAPH_NAME] == evaluated.files[GRAPH_NAME]
    without = with_evaluation(base, replace(record, point=None))
    assert without.files[GRAPH_NAME] == base.files[GRAPH_NAME]
    assert without.manifest.metrics == (*base.manifest.metrics, *record.metrics)


@pytest.mark.parametrize("slope", [0.1, 12.0])
def test_a_steep_line_takes_the_tolerance_of_golden_scores_along(
    evaluated: Evaluated, base: Contents, slope: float
) -> None:
    """Six digits of a golden score are fewer after a steep line; never is less allowed."""
    record = read_evaluation(evaluated.directory)
    assert record is not None
    assert record.point is not None
    golden = replace(base.manifest.golden, tolerance=1e-6)
    strict = replace(base, manifest=replace(base.manifest, golden=golden))
    first = golden.cases[0].probability
    to_the_middle = -slope * float(np.log(first / (1 - first)))
    point = replace(record.point, slope=slope, intercept=to_the_middle)

    found = with_evaluation(strict, replace(record, point=point)).manifest.golden

    assert found.cases[0].probability == pytest.approx(0.5)
    assert found.tolerance >= max(1.0, slope) * 1e-6
    assert (found.tolerance > 5e-6) is (slope > 5)


def test_a_draft_can_be_evaluated_and_not_packed(tmp_path: Path) -> None:
    """Whoever has yet to say whom a model was evaluated on may evaluate it first."""
    shutil.copytree(DEMONSTRATION, tmp_path / "model")
    statement = tmp_path / "model" / STATEMENT
    said = statement.read_text()
    start, end = said.index("intended_use"), said.index("limits")
    statement.write_text(f'{said[:start]}intended_use = ""\n{said[end:]}')

    model = open_model(tmp_path / "model", progress=silent)

    assert model.manifest.intended_use == ""
    with pytest.raises(InvalidRequest, match="draft"):
        unsigned_contents(tmp_path / "model")


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve of each, patients louder."""
    return put_people(tmp_path_factory.mktemp("loud"), 12, louder=1.8)


def a_bundle(path: Path) -> Path:
    """Write a bundle of the graph that hears the voice."""
    graph = hears_the_voice()
    files = {GRAPH_NAME: graph, CARD_NAME: CARD, "golden/a.wav": a_wav()}
    case = GoldenCase(id="a", recordings={ROLE: "golden/a.wav"}, metadata={}, probability=0.5)
    manifest = replace(
        opened(graph).manifest,
        golden=Golden(tolerance=1e-4, cases=(case,)),
        files=entries_of(files),
    )
    whole = {MANIFEST_NAME: encode_manifest(manifest), SIGNATURE_NAME: b"0" * 64, **files}
    path.write_bytes(write_container([(name, whole[name]) for name in file_order(manifest)]))
    return path


def test_a_bundle_is_evaluated_on_an_export(tmp_path: Path, loud: Path) -> None:
    """Labels come from a CSV; the report goes into a directory of its own, whole."""
    taken, labels = [], ["patient_id,label"]
    for case in read_labelled(loud).cases:
        sounds = {
            role: np.round(samples * 32_767).astype(np.int16)
            for role, (samples, _) in case.waveforms().items()
        }
        taken.append((f"i-{case.id}", case.patient_id, sounds))
        labels.append(f"{case.patient_id},{int(case.positive)}")
    ages = [40 + number for number in range(len(taken))]
    source = put_export(tmp_path / "export", taken, answers={"age": ages})
    bundle = a_bundle(tmp_path / "loud.spira")

    said = spira(
        *("models", "evaluate", str(bundle), str(source), "--draws", "100"),
        *("--labels", str(put_text(tmp_path / "labels.csv", *labels))),
        *("--out", str(tmp_path / "found")),
    )

    told = said["evaluation"]
    assert isinstance(told, dict)
    record = read_evaluation(tmp_path / "found")
    assert record is not None
    assert record.sample.description == "an export of a box"
    form = next(one for one in record.leaks.baselines if one.name == "form")
    assert form.columns == ("age",)
    assert told["rule"] is None
    assert {path.name for path in (tmp_path / "found").iterdir()} == {EVALUATION, MARKDOWN, PAGE}


def test_a_damaged_bundle_is_refused(tmp_path: Path) -> None:
    """Before anything of it is run."""
    bundle = a_bundle(tmp_path / "loud.spira")
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(BundleRefused):
        open_model(bundle, progress=silent)


def test_the_same_evaluation_is_the_same_bytes(loud: Path) -> None:
    """Nothing of the machine or the hour is in it."""
    plan, labelled = EvaluationPlan(n_draws=100), read_labelled(loud)
    first, again = (
        encode_evaluation(evaluate(opened(hears_the_voice()), labelled, plan)) for _ in range(2)
    )
    assert first == again


def an_evaluation(loud: Path) -> Evaluation:
    """Return one of the model that hears the voice."""
    return evaluate(opened(hears_the_voice()), read_labelled(loud), EvaluationPlan(n_draws=100))


def test_who_was_trained_on_does_not_judge(tmp_path: Path, loud: Path) -> None:
    """Known by their recordings: they are left out, counted, and the report says so."""
    labelled = read_labelled(loud)
    trained = [next(c for c in labelled.cases if c.positive is label) for label in (True, False)]
    (tmp_path / TRAINED_ON).write_bytes(encode_trained_on(recordings_of(trained)))
    model = replace(opened(hears_the_voice()), directory=tmp_path)

    found = evaluate(model, labelled, EvaluationPlan(n_draws=100))

    everyone = an_evaluation(loud).sample
    assert (found.sample.n_trained_on, everyone.n_trained_on) == (2, None)
    assert found.sample.n_positive == everyone.n_positive - 1
    assert found.sample.n_negative == everyone.n_negative - 1
    kept = keep(found, model, tmp_path / "kept")
    assert "2 patients were left out" in (kept / MARKDOWN).read_text()


def test_where_nobody_knows_who_was_trained_on_it_is_said(tmp_path: Path, loud: Path) -> None:
    """A bundle, or a model of other authors, may be judged by what it learned by heart."""
    labelled = read_labelled(loud)
    plan = EvaluationPlan(n_draws=100)
    bundle = an_evaluation(loud)
    pulled = evaluate(replace(opened(hears_the_voice()), directory=tmp_path), labelled, plan)
    (tmp_path / TRAINED_ON).write_bytes(encode_trained_on(()))
    nobody = evaluate(replace(opened(hears_the_voice()), directory=tmp_path), labelled, plan)

    for unknown in (bundle, pulled):
        assert unknown.sample.n_trained_on is None
        said = [told for told in unknown.warnings if "may be of its own training data" in told]
        assert len(said) == 1
        card = as_markdown(evaluation_blocks(unknown))
        assert "it is not known here" in card
        assert "left out, since the model was trained" not in card
        for_programs = document(unknown, tmp_path)["evaluation"]
        assert isinstance(for_programs, dict)
        assert for_programs["n_trained_on"] is None
    assert nobody.sample.n_trained_on == 0
    assert not any("training data" in told for told in nobody.warnings)


def test_nothing_half_written_and_nothing_overwritten(tmp_path: Path, loud: Path) -> None:
    """Stopped while it listens, nothing is there; a used directory is refused beforehand."""

    def stop(step: str, done: int, total: int) -> None:
        del step, total
        if done == 5:
            raise KeyboardInterrupt

    model = opened(hears_the_voice())
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, read_labelled(loud), EvaluationPlan(n_draws=100), progress=stop)
    put_text(tmp_path / "used" / "mine.txt", "mine")
    with pytest.raises(TargetNotEmpty):
        refuse_target(model, tmp_path / "used")
    with pytest.raises(TargetNotEmpty):
        keep(an_evaluation(loud), model, tmp_path / "used")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mine.txt"]


def test_a_malformed_record_is_refused(tmp_path: Path) -> None:
    """And none is none."""
    assert read_evaluation(tmp_path) is None
    put_text(tmp_path / EVALUATION, "{}")
    with pytest.raises(InvalidRequest, match="evaluate again"):
        read_evaluation(tmp_path)


def test_recordings_the_box_would_refuse_are_inconclusive(tmp_path: Path) -> None:
    """Silence fails the protocol's limits: it is in the table with its reason, in no metric."""
    put_people(tmp_path, 4, louder=1.8)
    silence = np.zeros(32_000, np.int16)
    put_wav(tmp_path / "positive" / "silent" / f"{ROLE}.wav", silence)
    put_wav(tmp_path / "positive" / "absent" / "ruido.wav", silence)

    found = evaluate(
        opened(hears_the_voice()), read_labelled(tmp_path), EvaluationPlan(n_draws=100)
    )

    reasons = {row.answer: (row.n_positive, row.n_negative) for row in found.reasons}
    assert reasons["invalid-recording"] == (1, 0)
    assert reasons["missing-recording"] == (1, 0)
    assert sum(row.n_positive for row in found.answers) == 6
    by_name = {metric.name: metric for metric in found.metrics}
    assert by_name["sensitivity"].n == 4
    # Who could not be scored was not found either.
    answers = {row.answer: row for row in found.answers}
    at_point = by_name["sensitivity_at_point"]
    assert at_point.n == 6
    assert at_point.value == answers["positive"].n_positive / 6
    assert (at_point.low, at_point.high) == wilson(answers["positive"].n_positive, 6)
    assert by_name["specificity_at_point"].value == answers["negative"].n_negative / 4
    told = lines(found, tmp_path, tmp_path / "model")
    assert any("Sensitivity at 0.5" in line for line in told)
    assert any("Sensitivity at the operating point" in line for line in told)
    assert "Specificity at the operating point" in as_markdown(evaluation_blocks(found))


def test_where_nobody_can_be_scored_it_is_said_why(tmp_path: Path) -> None:
    """By reasons, with how many."""
    silence = np.zeros(32_000, np.int16)
    for label in ("positive", "negative"):
        put_wav(tmp_path / label / label[0] / f"{ROLE}.wav", silence)
    with pytest.raises(InvalidRequest) as refusal:
        evaluate(opened(hears_the_voice()), read_labelled(tmp_path), EvaluationPlan())
    assert "invalid-recording: 2 of 2" in refusal.value.errors[0].message

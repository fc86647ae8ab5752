"""The card of an evaluation: every finding in words, in both forms, and nothing from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from appliance.core.manifest import Metric
from models.evaluation.areas import Interval
from models.evaluation.blocks import Caution, Heading, Paragraph, Table
from models.evaluation.calibration import Calibration, ReliabilityBin
from models.evaluation.cautions import warnings_of
from models.evaluation.figures import areas_figure, reliability_figure, roc_figure
from models.evaluation.findings import (
    BaselineFinding,
    Evaluation,
    FlipFinding,
    LeakReport,
    ProbeFinding,
    Sample,
    TableRow,
    Verdict,
)
from models.evaluation.operating import ChosenPoint
from models.evaluation.rendering import as_html, as_markdown
from models.evaluation.report import evaluation_blocks, page_of
from tests.bundle_builders import a_manifest

HIGH = Interval(value=0.8, low=0.7, high=0.9)
CHANCE = Interval(value=0.55, low=0.4, high=0.7)
FLIP = FlipFinding(
    snr_db=10,
    n=40,
    n_flips=20,
    flips=Interval(value=0.5, low=0.35, high=0.65),
    n_to_positive=15,
    n_to_negative=2,
    is_fragile=True,
)
LEAKS = LeakReport(
    probes=(
        ProbeFinding(
            name="room", area=HIGH, n_positive=20, n_negative=20, verdict=Verdict.SPURIOUS
        ),
        ProbeFinding(
            name="length", area=CHANCE, n_positive=20, n_negative=20, verdict=Verdict.NO_SIGN
        ),
        ProbeFinding(name="pauses", area=None, n_positive=3, n_negative=2, verdict=Verdict.TOO_FEW),
    ),
    flips=(FLIP,),
    baselines=(
        BaselineFinding(
            name="form",
            columns=("age", "spo2"),
            area=HIGH,
            gain=Interval(value=0.01, low=-0.05, high=0.07),
            n_positive=20,
            n_negative=20,
        ),
        BaselineFinding(
            name="duration",
            columns=("frase",),
            area=HIGH,
            gain=Interval(value=0.1, low=0.02, high=0.2),
            n_positive=20,
            n_negative=20,
        ),
    ),
    ward_noise="made",
)
CALIBRATION = Calibration(
    brier=Interval(value=0.1, low=0.05, high=0.15),
    slope=None,
    intercept=Interval(value=0.1, low=-0.2, high=0.4),
    bins=(ReliabilityBin(said=0.25, observed=CHANCE, n=12),),
)
POINT = ChosenPoint(
    rule="By the rule.",
    digest="c" * 64,
    n_positive=40,
    n_negative=41,
    slope=1.25,
    intercept=-0.5,
    t_low=0.31,
    t_high=0.62,
)


def an_evaluation() -> Evaluation:
    """Return one with something of everything."""
    metric = Metric(name="auc", value=0.93, low=0.88, high=0.97, n=40, on="voices")
    return Evaluation(
        model_name="loudness",
        model_version="1.0.0",
        graph_sha256="a" * 64,
        software="spira 0",
        sample=Sample(
            description="a table <of> voices",
            digest="b" * 64,
            n_positive=20,
            n_negative=20,
            n_cases=43,
            n_left_out=5,
            n_trained_on=2,
        ),
        seed=7,
        n_draws=100,
        point=POINT,
        t_low=POINT.t_low,
        t_high=POINT.t_high,
        metrics=(metric,),
        answers=(
            TableRow(answer="positive", n_positive=15, n_negative=2),
            TableRow(answer="inconclusive", n_positive=4, n_negative=3),
            TableRow(answer="negative", n_positive=1, n_negative=15),
        ),
        reasons=(TableRow(answer="invalid-recording", n_positive=4, n_negative=3),),
        roc=((0.0, 0.0), (0.1, 0.8), (1.0, 1.0)),
        calibration=CALIBRATION,
        uncalibrated=CALIBRATION,
        leaks=LEAKS,
        warnings=tuple(warnings_of(LEAKS, n_trained_on=0)),
    )


def test_the_warnings_say_what_and_how_sure() -> None:
    """Spurious first; what has no sign of a leak, and what was too few, is no warning."""
    said = list(warnings_of(LEAKS, n_trained_on=0))

    assert [warning.split(" ", 1)[0] for warning in said] == [
        *("Spurious:", "Fragile:", "Not", "Confounded")
    ]
    assert "sound of the room alone" in said[0]
    assert "AUC 0.800, 95 % interval 0.700 to 0.900" in said[0]
    assert "20 of 40" in said[1]
    assert "35.0 % at the lower bound" in said[1]
    assert "the form alone" in said[2]
    clean = replace(LEAKS, probes=LEAKS.probes[1:], flips=(), baselines=())
    assert not list(warnings_of(clean, n_trained_on=0))
    assert [told.split(":", 1)[0] for told in warnings_of(clean, n_trained_on=None)] == [
        "Trained on whom is not known"
    ]


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_everything_that_was_found_is_told(form: str) -> None:
    """Warnings, whom it is of, the point, three answers with reasons, calibration, leaks."""
    evaluation = an_evaluation()
    page = page_of(a_manifest(), evaluation)
    text = as_markdown(evaluation_blocks(evaluation)) if form == "markdown" else page

    for said in (
        *("Spurious: on the sound", "SHA-256 " + "b" * 64, "By the rule.", "c" * 64),
        *("0.620", "0.310", "1.2500 logit(p) -0.5000", "invalid-recording", "0.880 to 0.970"),
        *("none: the labels are separated", "before calibration", "SPURIOUS: better than chance"),
        *("no sign of a leak", "cannot be told: under 10", "20 of 40", "FRAGILE"),
        *("age, spo2", "0.010 (-0.050 to 0.070)", "3 further cases", "5 cases had no label"),
        "2 patients were left out, since the model was trained on them",
    ):
        assert said in text, said


def test_a_page_loads_nothing_and_escapes_what_it_shows() -> None:
    """No script, no link, no address but the name space of SVG."""
    page = page_of(a_manifest(intended_use="<script>alert(1)</script>"), an_evaluation())

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "a table &lt;of&gt; voices" in page
    assert set(re.findall(r"https?://[^\"' <]*", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"\b(?:src|href)=", page)
    assert "demonstration" in page.lower()
    assert page == page_of(a_manifest(intended_use="<script>alert(1)</script>"), an_evaluation())


def test_markdown_has_tables_that_hold_together() -> None:
    """As many cells in each row as in its header, bars escaped."""
    told = as_markdown((Heading("A"), Caution("B"), Table(("a", "b"), (("x|y", "z"),))))

    assert told == "## A\n\n> **B**\n\n| a | b |\n| --- | --- |\n| x\\|y | z |\n"
    assert as_html("t", (Paragraph("a < b"),)).count("a &lt; b") == 1


def test_pictures_are_whole_and_say_what_they_are() -> None:
    """XML that can be read, a title for who cannot see, the numbers where they belong."""
    areas = areas_figure("Areas", [("the room & more", HIGH, True), ("chance", CHANCE, False)])
    for picture in (
        roc_figure([(0.0, 0.0), (0.5, 1.0), (1.0, 1.0)]),
        reliability_figure(CALIBRATION),
        areas,
    ):
        root = ET.fromstring(picture)  # noqa: S314 - our own picture
        assert root.attrib["role"] == "img"
        assert root[0].tag.endswith("title")
        assert root[0].text
    # The middle of the square is (160, 160), its top 44.
    assert "160.0,44.0" in roc_figure([(0.0, 0.0), (0.5, 1.0), (1.0, 1.0)])
    assert areas.count("#b00020") == 2

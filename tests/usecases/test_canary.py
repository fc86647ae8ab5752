"""The canary: every installed version, at its hour, behind live work; the doctor hears of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.core.audit import AuditAction, audited
from appliance.core.findings import Severity
from appliance.usecases.canary import Sung, is_due, sing
from appliance.usecases.checks import canary
from appliance.usecases.models import activate_version, remove_version
from tests.builders import NOON
from tests.fakes_models import FakePredictor
from tests.usecases.shelf import Shelf

NIGHT = NOON.replace(hour=3)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Three versions: one removed, one active, one that waits."""
    shelf = Shelf(stick=tmp_path / "stick.spira")
    removed, _ = shelf.install("1.0.0")
    remove_version(removed, actor="it", room=shelf.room())
    active, _ = shelf.install("2.0.0")
    activate_version(active, default=True, actor="it", room=shelf.room())
    shelf.install("3.0.0")
    return shelf


def _sung(shelf: Shelf, *, n_most: int = 99) -> list[Sung]:
    steps = iter(range(n_most))
    return list(
        sing(
            actor="box",
            room=shelf.room(),
            audit=shelf.records.audit,
            may_go_on=lambda: next(steps, None) is not None,
        )
    )


def test_every_installed_version_is_tried_and_audited(shelf: Shelf) -> None:
    """Active or not, removed ones left out."""
    sung = _sung(shelf)

    assert [(one.version.version, one.fault) for one in sung] == [("2.0.0", ""), ("3.0.0", "")]
    rows = shelf.audited(AuditAction.MODEL_CANARY)
    assert [row.entity_id for row in rows] == [one.version.id for one in sung]
    assert all(one.difference is not None and one.difference < 1e-6 for one in sung)


def test_a_version_that_says_something_else_is_told(shelf: Shelf) -> None:
    """Its code is what the doctor will show, and the others are tried all the same."""
    shelf.predictor = FakePredictor(answer=lambda _: 0.99)

    assert [one.fault for one in _sung(shelf)] == ["golden-mismatch", "golden-mismatch"]


def test_it_ends_when_told_to(shelf: Shelf) -> None:
    """What was tried before is written down."""
    assert len(_sung(shelf, n_most=1)) == 1
    assert len(shelf.audited(AuditAction.MODEL_CANARY)) == 1


@pytest.mark.parametrize(
    ("last_at", "now", "due"),
    [
        (None, NIGHT, True),
        (None, NOON, False),
        (NIGHT, NIGHT + timedelta(minutes=30), False),
        (NIGHT, NIGHT + timedelta(hours=24), True),
        (NIGHT + timedelta(days=400), NIGHT, True),
    ],
)
def test_it_is_due_once_a_night(last_at: datetime | None, now: datetime, *, due: bool) -> None:
    """Also after the clock went back."""
    assert is_due(last_at, now=now, hour=3) is due


@pytest.mark.parametrize(
    ("runs", "fault"),
    [
        ([("box", "golden-mismatch"), ("cli", "")], "golden-mismatch"),
        ([("box", "golden-mismatch"), ("cli", ""), ("box", "")], ""),
        ([("cli", "golden-mismatch"), ("cli", "")], ""),
        ([("box", ""), ("cli", "golden-mismatch")], "golden-mismatch"),
        ([("box", "golden-mismatch"), ("cli", "graph-refused"), ("cli", "")], "golden-mismatch"),
    ],
)
def test_no_other_process_puts_right_what_the_server_failed(
    runs: list[tuple[str, str]], fault: str
) -> None:
    """The console's run proves the files, not the memory of what answers for patients."""
    heard = None
    for number, (actor, code) in enumerate(runs):
        at = NOON + timedelta(hours=number)
        entry = audited(AuditAction.MODEL_CANARY, "v", at=at, actor=actor, fault=code)
        heard = canary.heard(entry, heard)
    assert heard is not None
    found = canary.check({"a@1": heard}, now=NOON + timedelta(hours=5))
    assert [one.details["versions"] for one in found] == ([(f"a@1: {fault}",)] if fault else [])


def test_the_doctor_tells_of_failures_and_of_silence() -> None:
    """A version that was never tried counts from when it was installed."""
    now = NOON + timedelta(days=4)
    heard = {
        "a@1": canary.Heard(at=now, fault="golden-mismatch"),
        "b@1": canary.Heard(at=NOON),
        "c@1": canary.Heard(at=now),
    }

    failed, silent = canary.check(heard, now=now)

    assert (failed.code, failed.severity) == ("canary-failed", Severity.ERROR)
    assert failed.details["versions"] == ("a@1: golden-mismatch",)
    assert (silent.code, silent.severity) == ("canary-silent", Severity.WARNING)
    assert silent.details["versions"] == ("b@1",)
    assert canary.check({"c@1": heard["c@1"]}, now=now) == ()

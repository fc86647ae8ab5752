"""The doctor finds each fault, says what to do, and finds nothing where nothing is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.core.audit import AuditBreak
from appliance.core.findings import Finding, Severity, worst
from appliance.core.ids import RecordingId
from appliance.core.signing_key import KeyScope
from appliance.usecases.checks import (
    active_model,
    audio_files,
    audit_chain,
    clock,
    database_integrity,
    demonstration_key,
    disk_space,
    private_files,
    sqlite_version,
    stuck_jobs,
    unattached_recordings,
)
from appliance.usecases.doctor import ExaminedBox, examine
from tests.builders import (
    NOON,
    a_model,
    a_model_version,
    a_recording,
    a_trusted_key,
    an_audit,
    later,
)
from tests.usecases.ward import Ward, a_voice

NOTE, WARNING, ERROR = Severity.NOTE, Severity.WARNING, Severity.ERROR


def outcome(findings: tuple[Finding, ...]) -> list[tuple[str, Severity]]:
    """Return what was found and how bad it is."""
    return [(finding.code, finding.severity) for finding in findings]


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ({".": 0o700, "records.db": 0o600}, []),
        ({".": 0o700, "huey.db": 0o644}, [("files-open-to-others", WARNING)]),
        ({".": 0o755, "records.db": 0o600}, [("files-open-to-others", ERROR)]),
        ({".": 0o710}, [("files-open-to-others", ERROR)]),
    ],
)
def test_files_are_for_the_box_alone(
    modes: dict[str, int], expected: list[tuple[str, Severity]]
) -> None:
    """An open file in a closed directory is a warning, an open directory an error."""
    assert outcome(private_files.check(modes)) == expected


@pytest.mark.parametrize(
    ("free_gib", "expected"),
    [(50.0, []), (4.9, [("disk-space-low", WARNING)]), (0.9, [("disk-space-low", ERROR)])],
)
def test_space_runs_out_in_two_steps(free_gib: float, expected: list[tuple[str, Severity]]) -> None:
    """There is a warning long before recordings are refused."""
    assert outcome(disk_space.check(int(free_gib * disk_space.GIB))) == expected


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("3.6.23", False),
        ("3.7.0", True),
        ("3.40.1", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.45.0", True),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.53.0", False),
    ],
)
def test_a_release_of_sqlite_with_the_wal_fault_is_noted(version: str, affected: bool) -> None:
    """It is a note only: the box's lock keeps the fault from happening."""
    expected = [("sqlite-wal-reset", NOTE)] if affected else []
    assert outcome(sqlite_version.check(version)) == expected


def test_damage_and_broken_chains_are_errors() -> None:
    """What cannot be trusted any more is said first and without comfort."""
    assert outcome(database_integrity.check(())) == []
    assert outcome(database_integrity.check(("row 3 missing",))) == [("database-damaged", ERROR)]
    assert outcome(audit_chain.check(None)) == []
    broken = AuditBreak(seq=3, reason="content differs from its hash")
    assert outcome(audit_chain.check(broken)) == [("audit-broken", ERROR)]


def test_lost_sound_is_an_error_and_orphans_a_note() -> None:
    """A recording without its file cannot be had back; a file without a row only takes space."""
    assert outcome(audio_files.check(missing=(), damaged=(), orphans=())) == []
    found = audio_files.check(missing=("a",), damaged=("b",), orphans=("c",))
    assert outcome(found) == [
        ("audio-missing", ERROR),
        ("audio-damaged", ERROR),
        ("audio-orphaned", NOTE),
    ]


def test_recordings_left_alone_are_a_warning() -> None:
    """They are named by id, so that somebody can ask for them."""
    assert unattached_recordings.check(()) == ()
    (finding,) = unattached_recordings.check((a_recording(id=RecordingId("r-1")),))
    assert (finding.severity, finding.details["ids"]) == (WARNING, ("r-1",))


def test_a_wait_of_minutes_is_an_error() -> None:
    """A pre-diagnosis is a matter of seconds."""
    after = stuck_jobs.STUCK_AFTER
    assert outcome(stuck_jobs.check(None, now=NOON)) == []
    assert outcome(stuck_jobs.check(NOON, now=NOON + after / 2)) == []
    assert outcome(stuck_jobs.check(NOON, now=NOON + after)) == [("jobs-stuck", ERROR)]


def test_a_clock_that_went_back_is_an_error() -> None:
    """Seconds of correction are no fault."""
    assert outcome(clock.check(None, now=NOON)) == []
    assert outcome(clock.check(later(4), now=NOON)) == []
    assert outcome(clock.check(later(60), now=NOON)) == [("clock-went-back", ERROR)]


def test_models_must_answer_and_should_mean_it() -> None:
    """No model is an error, a demonstration model a warning."""
    version = a_model_version()
    waiting = a_model()
    clinical = a_model(active=version)
    toy = a_model(active=replace(version, demonstration=True))
    assert outcome(active_model.check(())) == [("no-active-model", ERROR)]
    assert outcome(active_model.check((waiting,))) == [("no-active-model", ERROR)]
    assert outcome(active_model.check((waiting, clinical))) == []
    assert outcome(active_model.check((toy,))) == [("demonstration-model-active", WARNING)]


def test_a_demonstration_key_is_warned_of() -> None:
    """Its private half is public by nature."""
    toy = a_trusted_key(scope=KeyScope.DEMONSTRATION)
    assert outcome(demonstration_key.check((a_trusted_key(),))) == []
    assert outcome(demonstration_key.check((toy,))) == [("demonstration-key-trusted", WARNING)]


@dataclass
class Health:
    """A database that says what a test wants."""

    sqlite_version: str = "3.53.0"
    problems: tuple[str, ...] = ()

    def integrity_problems(self) -> tuple[str, ...]:
        """See the port."""
        return self.problems


def box_of(ward: Ward, directory: Path) -> ExaminedBox:
    """Return a ward as a box in a private directory."""
    directory.chmod(0o700)
    return ExaminedBox(
        directory=directory,
        clock=ward.clock,
        health=Health(),
        audit=ward.records.audit,
        recordings=ward.records.recordings,
        inferences=ward.records.inferences,
        models=ward.records.models,
        keys=ward.records.keys,
        audio=ward.audio,
    )


def codes(box: ExaminedBox, *, deep: bool = False) -> set[str]:
    """Return what was found, but for the disk of the machine that runs this."""
    findings = examine(box, deep=deep, progress=lambda _name: None)
    return {finding.code for finding in findings} - {"disk-space-low"}


def test_a_box_in_order_has_no_finding(ward: Ward, tmp_path: Path) -> None:
    """The doctor is silent where nothing is wrong."""
    assert codes(box_of(ward, tmp_path)) == set()


def test_the_whole_box_is_looked_at(ward: Ward, tmp_path: Path) -> None:
    """Each look reaches its decision: files, audit, recordings, audio, jobs, keys, clock."""
    box = box_of(ward, tmp_path)
    ward.submit(ward.request(ward.recordings()))
    ward.record("sustentada", a_voice(level=0.2))
    (tmp_path / "huey.db").touch(0o644)
    (tmp_path / "huey.db").chmod(0o644)
    for sha256 in list(ward.audio.hashes())[:1]:
        ward.audio.erase(sha256, unless=lambda: False)
    key = a_trusted_key(scope=KeyScope.DEMONSTRATION)
    ward.records.keys.add_key(key, audit=an_audit(at=ward.now + timedelta(days=9)))
    ward.now += timedelta(days=2)

    found = codes(box)

    assert found == {
        "files-open-to-others",
        "audio-missing",
        "recordings-unattached",
        "jobs-stuck",
        "demonstration-key-trusted",
        "clock-went-back",
    }


def test_only_a_deep_look_reads_the_sound(ward: Ward, tmp_path: Path) -> None:
    """A changed file is found by its hash, when asked to read all."""
    box = box_of(ward, tmp_path)
    ward.submit(ward.request(ward.recordings()))
    ward.audio.damage(next(iter(ward.audio.hashes())))

    assert "audio-damaged" not in codes(box)
    assert "audio-damaged" in codes(box, deep=True)


def test_the_worst_finding_decides() -> None:
    """Notes and warnings never hide an error."""
    note = sqlite_version.check("3.40.1")
    error = active_model.check(())
    assert worst(()) is None
    assert worst(note) is NOTE
    assert worst((*error, *note)) is ERROR

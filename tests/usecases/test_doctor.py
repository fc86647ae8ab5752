"""The doctor finds each fault, says what to do, and finds nothing where nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.core.audit import AuditBreak
from appliance.core.bundle import BundleContents
from appliance.core.errors import DatabaseUnusable
from appliance.core.findings import Finding, Severity, worst
from appliance.core.ids import RecordingId, TabletId
from appliance.core.signing_key import KeyScope
from appliance.core.tablet import BEHIND_AFTER, FULL_PCT, Standing, Tablet
from appliance.usecases.checks import (
    active_model,
    audio_files,
    audit_chain,
    clock,
    database_integrity,
    demonstration_key,
    disk_space,
    model_files,
    private_files,
    protocols,
    queue,
    secrets,
    signing_keys,
    sqlite_version,
    stuck_jobs,
    tablets,
    unattached_recordings,
)
from appliance.usecases.doctor import ExaminedBox, ExaminedRecords, examine
from appliance.usecases.models import activate_version
from tests.builders import (
    NOON,
    a_model,
    a_model_version,
    a_recording,
    a_trusted_key,
    an_audit,
    later,
)
from tests.bundle_builders import bundle_contents
from tests.fakes_io import FakeDiskSpace
from tests.fakes_models import FakeBundleStore, FakePredictor
from tests.usecases.shelf import Shelf, as_expected
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


def test_a_large_reserve_is_full_while_there_is_space() -> None:
    """What decides is whether a recording is taken, not how much is left."""
    (found,) = disk_space.check(
        9 * disk_space.GIB, recordings_above_bytes=10 * disk_space.GIB, ballast_bytes=0
    )
    assert (found.code, found.severity) == ("disk-full", ERROR)


@pytest.mark.parametrize(
    ("free_gib", "expected"),
    [
        (50.0, []),
        (4.9, [("disk-space-low", WARNING)]),
        (0.9, [("disk-space-low", ERROR)]),
        (0.2, [("disk-full", ERROR)]),
    ],
)
def test_space_runs_out_in_two_steps(free_gib: float, expected: list[tuple[str, Severity]]) -> None:
    """There is a warning long before recordings are refused."""
    found = disk_space.check(
        int(free_gib * disk_space.GIB), recordings_above_bytes=disk_space.GIB // 4, ballast_bytes=0
    )

    assert outcome(found) == expected


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


def test_work_that_stays_on_a_tablet_is_an_error_and_silence_a_note() -> None:
    """Revoked and awaited ones are nobody's worry."""
    standing = Standing(
        at=NOON,
        app_version="0.1.0",
        n_waiting=1,
        oldest_at=NOON,
        storage_pct=FULL_PCT,
        highest_seq=1,
    )
    ward = Tablet(
        id=TabletId("t"),
        name="Ala 3",
        created_at=NOON,
        code_ends_at=None,
        enrolled_at=NOON,
        standing=standing,
    )
    assert outcome(tablets.check((ward,), now=NOON + BEHIND_AFTER)) == []
    late = NOON + BEHIND_AFTER + timedelta(seconds=1)
    assert outcome(tablets.check((ward,), now=late)) == [("tablets-behind", ERROR)]
    full = replace(ward, standing=replace(standing, storage_pct=FULL_PCT + 0.1))
    assert outcome(tablets.check((full,), now=NOON)) == [("tablets-behind", ERROR)]
    idle = replace(ward, standing=replace(standing, n_waiting=0, oldest_at=None))
    later = NOON + tablets.SILENT_AFTER + timedelta(seconds=1)
    (finding,) = tablets.check((idle,), now=later)
    assert (finding.code, finding.details["tablets"]) == ("tablets-silent", ("Ala 3",))
    never_heard = replace(ward, standing=None)
    assert outcome(tablets.check((never_heard,), now=later)) == [("tablets-silent", NOTE)]
    lost, awaited = replace(full, revoked=True), replace(never_heard, enrolled_at=None)
    assert outcome(tablets.check((lost, awaited), now=later)) == []


def test_a_clock_that_went_back_is_an_error() -> None:
    """Seconds of correction are no fault."""

    def found(*seconds: float) -> list[tuple[str, Severity]]:
        past = clock.Past()
        for at_s in seconds:
            past.watch(later(at_s))
        return outcome(clock.check(past, now=NOON))

    assert found() == []
    assert found(-60, 4) == []
    assert found(-60, 60) == [("clock-went-back", ERROR)]
    # The box works on in 1970: its newest row is of today, and still the clock is wrong.
    assert found(1_000_000, -1) == [("clock-went-back", ERROR)]
    # It was years ahead and was set right; or it was right, and was set back by days.
    assert found(-60, 1_000_000, -1) == [("clock-went-back", WARNING)]


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
    author = a_trusted_key()
    code = "demonstration-key-trusted"
    assert outcome(demonstration_key.check((author,), public="other")) == []
    assert outcome(demonstration_key.check((toy,), public="other")) == [(code, WARNING)]
    assert outcome(demonstration_key.check((toy,), public=toy.fingerprint)) == [(code, WARNING)]
    assert outcome(demonstration_key.check((author,), public=author.fingerprint)) == [(code, ERROR)]


def test_a_version_that_answers_has_a_signer_who_is_trusted() -> None:
    """One whose key was revoked goes on answering, and is named."""
    assert outcome(signing_keys.check({"a@1": "k", "b@1": "l"}, trusted={"k", "l"})) == []
    (finding,) = signing_keys.check({"a@1": "k", "b@1": "l"}, trusted={"k"})
    assert (finding.code, finding.severity) == ("signer-revoked", WARNING)
    assert finding.details["versions"] == ("b@1",)


def test_what_answers_knows_the_protocol_that_work_begins_under() -> None:
    """Without one no work begins; under a strange one all work ends inconclusive."""
    made_for = {"a@1": ("p.1", "p.2"), "b@1": ("p.1",)}
    assert outcome(protocols.check("p.1", answering=made_for)) == []
    assert outcome(protocols.check(None, answering=made_for)) == [("protocol-missing", ERROR)]
    (finding,) = protocols.check("p.2", answering=made_for)
    assert (finding.code, finding.severity) == ("protocol-unknown-to-model", ERROR)
    assert finding.details["versions"] == ("b@1",)


def test_a_queue_that_is_no_queue_is_told() -> None:
    """It costs a minute, and no result."""
    assert outcome(queue.check(usable=True)) == []
    assert outcome(queue.check(usable=False)) == [("queue-damaged", WARNING)]


@dataclass
class Health:
    """A database that says what a test wants."""

    sqlite_version: str = "3.53.0"
    problems: tuple[str, ...] = ()

    damaged: tuple[tuple[str, str], ...] = ()
    log_cut_short: bool = False

    def integrity_problems(self) -> tuple[str, ...]:
        """See the port."""
        return self.problems

    def damaged_rows(self) -> Iterator[tuple[str, str]]:
        """See the port."""
        yield from self.damaged


class WholeBundles(FakeBundleStore):
    """A store in which every bundle is here and whole, as far as the ward's version goes."""

    def contents(self, digest: str) -> BundleContents:
        """Return some bundle."""
        del digest
        return bundle_contents()


def box_of(ward: Ward, directory: Path) -> ExaminedBox:
    """Return a ward as a box in a private directory."""
    directory.chmod(0o700)
    ward.records.keys.add_key(a_trusted_key(), audit=an_audit())
    return ExaminedBox(
        directory=directory,
        clock=ward.clock,
        missing_secrets=(),
        public_key="0" * 64,
        records=ExaminedRecords(
            health=Health(),
            audit=ward.records.audit,
            recordings=ward.records.recordings,
            inferences=ward.records.inferences,
            models=ward.records.models,
            keys=ward.records.keys,
            protocols=ward.records.protocols,
            tablets=ward.records.tablets,
        ),
        space=FakeDiskSpace(),
        recordings_above_bytes=FakeDiskSpace.recordings_bytes,
        audio=ward.audio,
        bundles=WholeBundles(),
        predictor=ward.predictor,
    )


def codes(box: ExaminedBox, *, deep: bool = False) -> set[str]:
    """Return what was found."""
    findings = examine(box, deep=deep, progress=lambda _name: None)
    return {finding.code for finding in findings}


def test_a_box_in_order_has_no_finding(ward: Ward, tmp_path: Path) -> None:
    """The doctor is silent where nothing is wrong."""
    assert codes(box_of(ward, tmp_path)) == set()


def test_the_whole_box_is_looked_at(ward: Ward, tmp_path: Path) -> None:
    """Each look reaches its decision: files, queue, audit, recordings, audio, jobs, keys, clock."""
    box = box_of(ward, tmp_path)
    ward.submit(ward.request(ward.recordings()))
    ward.record("sustentada", a_voice(level=0.2))
    (tmp_path / "huey.db").touch(0o644)
    (tmp_path / "huey.db").chmod(0o644)
    for sha256 in list(ward.audio.hashes())[:1]:
        ward.audio.erase(sha256, unless=lambda: False)
    box = replace(box, queue_usable=False)
    for trusted in tuple(ward.records.keys.keys()):
        ward.records.keys.revoke_key(trusted.fingerprint, audit=an_audit())
    key = a_trusted_key(scope=KeyScope.DEMONSTRATION, public_key=bytes([1] * 32))
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
        "queue-damaged",
        "signer-revoked",
    }


def test_only_a_deep_look_reads_the_sound(ward: Ward, tmp_path: Path) -> None:
    """A changed file is found by its hash, when asked to read all."""
    box = box_of(ward, tmp_path)
    ward.submit(ward.request(ward.recordings()))
    ward.audio.damage(next(iter(ward.audio.hashes())))

    assert "audio-damaged" not in codes(box)
    assert "audio-damaged" in codes(box, deep=True)


def test_missing_secrets_are_an_error_of_their_own() -> None:
    """The box was initialised: a backup has them."""
    assert outcome(secrets.check(())) == []
    (finding,) = secrets.check(("token.key",))
    assert (finding.code, finding.severity) == ("secret-missing", ERROR)
    assert finding.details["files"] == ("token.key",)
    assert "backup" in finding.remedy


def test_faulty_model_files_are_an_error_and_leftovers_a_note() -> None:
    """A version that serves must be whole; what nothing needs only takes space."""
    assert outcome(model_files.check({}, leftovers=(), n_staged=0)) == []
    faulty = model_files.check({"a@1": "model-unavailable"}, leftovers=(), n_staged=0)
    assert outcome(faulty) == [("model-files-faulty", ERROR)]
    assert faulty[0].details["versions"] == ("a@1: model-unavailable",)
    for found in (
        model_files.check({}, leftovers=("d",), n_staged=0),
        model_files.check({}, leftovers=(), n_staged=1),
    ):
        assert outcome(found) == [("bundles-left-behind", NOTE)]


def test_a_database_that_cannot_be_opened_hides_nothing_else(ward: Ward, tmp_path: Path) -> None:
    """It is the finding, and files and secrets are looked at all the same."""
    broken = replace(
        box_of(ward, tmp_path), records=DatabaseUnusable(), missing_secrets=("token.key",)
    )
    (tmp_path / "huey.db").touch()
    (tmp_path / "huey.db").chmod(0o644)
    assert codes(broken) == {"database-unusable", "secret-missing", "files-open-to-others"}


def test_a_database_that_breaks_under_way_is_one_finding(ward: Ward, tmp_path: Path) -> None:
    """However many looks meet it; those that do not go on."""

    class Damaged(Health):
        """A database with a broken page."""

        def integrity_problems(self) -> tuple[str, ...]:
            """Meet it."""
            raise DatabaseUnusable(sqlite_code="SQLITE_CORRUPT")

    box = box_of(ward, tmp_path)
    assert isinstance(box.records, ExaminedRecords)
    box = replace(
        box, records=replace(box.records, health=Damaged()), missing_secrets=("token.key",)
    )
    findings = examine(box, deep=False, progress=lambda _name: None)
    (finding,) = [f for f in findings if f.code == "database-unusable"]
    assert finding.severity is ERROR
    assert finding.details["not_looked_at"] == ("database",)
    assert "secret-missing" in {f.code for f in findings}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A shelf with an active version."""
    shelf = Shelf(stick=tmp_path / "stick.spira")
    version, _ = shelf.install()
    activate_version(version, default=True, actor="it", room=shelf.room())
    return shelf


def box_with(shelf: Shelf, ward: Ward, directory: Path) -> ExaminedBox:
    """Return a box with the shelf's models, in a new process: nothing is loaded."""
    box = box_of(ward, directory)
    assert isinstance(box.records, ExaminedRecords)
    records = replace(box.records, models=shelf.records.models)
    predictor = FakePredictor(answer=shelf.predictor.answer)
    return replace(box, records=records, bundles=shelf.bundles, predictor=predictor)


def test_the_files_of_a_version_that_serves_are_read(
    shelf: Shelf, ward: Ward, tmp_path: Path
) -> None:
    """One changed bit is found without a deep look."""
    (digest,) = shelf.bundles.installed()
    found = codes(box_with(shelf, ward, tmp_path))
    assert "model-files-faulty" not in found
    shelf.bundles.kept[digest]["model.onnx"] += b"x"
    assert "model-files-faulty" in codes(box_with(shelf, ward, tmp_path))


def test_only_a_deep_look_scores_the_golden_recordings(
    shelf: Shelf, ward: Ward, tmp_path: Path
) -> None:
    """A model that answers otherwise than at its author's is found when asked to try."""
    assert "model-files-faulty" not in codes(box_with(shelf, ward, tmp_path), deep=True)
    shelf.predictor.answer = lambda inputs: as_expected(inputs) / 2
    assert "model-files-faulty" not in codes(box_with(shelf, ward, tmp_path))
    assert "model-files-faulty" in codes(box_with(shelf, ward, tmp_path), deep=True)


def test_what_an_installation_left_is_noted(shelf: Shelf, ward: Ward, tmp_path: Path) -> None:
    """After a day; an installed version is no leaving."""
    (digest,) = shelf.bundles.installed()
    shelf.bundles.age_s[digest] = 90_000
    assert "bundles-left-behind" not in codes(box_with(shelf, ward, tmp_path))
    shelf.bundles.kept["0" * 64] = {}
    assert "bundles-left-behind" not in codes(box_with(shelf, ward, tmp_path))
    shelf.bundles.age_s["0" * 64] = 90_000
    assert "bundles-left-behind" in codes(box_with(shelf, ward, tmp_path))


def test_the_worst_finding_decides() -> None:
    """Notes and warnings never hide an error."""
    note = sqlite_version.check("3.40.1")
    error = active_model.check(())
    assert worst(()) is None
    assert worst(note) is NOTE
    assert worst((*error, *note)) is ERROR

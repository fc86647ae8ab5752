"""From settings to a working appliance: the only place that knows which adapter fills a port."""

from __future__ import annotations

import os
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from appliance.adapters import key_files
from appliance.adapters.argon2_passwords import Argon2Passwords
from appliance.adapters.audio_files import AudioFiles
from appliance.adapters.ballast_files import BallastFiles
from appliance.adapters.bundle_files import BundleFiles
from appliance.adapters.common_passwords import load_common_passwords
from appliance.adapters.ed25519_signatures import verify
from appliance.adapters.failed_disk import FailedDisk
from appliance.adapters.huey_queue import HueyQueue
from appliance.adapters.key_files import PSEUDONYM_KEY, TOKEN_SECRET, make_secrets, read_secret
from appliance.adapters.onnx_predictor import ConfinedPredictor, OnnxPredictor
from appliance.adapters.sqlite_records import open_records
from appliance.adapters.systemd_notify import SystemdNotifier, systemd_notifier
from appliance.bootstrap.box_keys import demonstration_key
from appliance.core.errors import NotInitialised, StorageFailed, StorageFault
from appliance.ports import (
    AccountRecords,
    AudioStore,
    AuditRecords,
    BundleStore,
    Clock,
    DatabaseHealth,
    DiskSpace,
    HospitalRecords,
    InferenceRecords,
    JobQueue,
    JobRecords,
    KeyRecords,
    ModelRecords,
    NewId,
    PasswordHasher,
    Predictor,
    ProtocolRecords,
    RecordingRecords,
    Ticks,
)
from appliance.settings import Settings
from appliance.usecases.doctor import ExaminedBox, ExaminedRecords
from appliance.usecases.models import ModelRoom
from appliance.usecases.predict import Scoring
from appliance.usecases.submit import SubmissionRecords

OnFailure: TypeAlias = Callable[[StorageFailed], None] | None


@dataclass(frozen=True, kw_only=True)
class Appliance:
    """Every port, filled; what web, worker and console work with.

    Attributes:
        owner: this process and boot; claims of results are signed with it.
        token_secret: 32 random bytes of this box that sign its tokens.
        pseudonym_key: 32 random bytes of this box that make patient pseudonyms.
        common_passwords: lower-case passwords that are refused.
    """

    settings: Settings
    owner: str
    token_secret: bytes
    pseudonym_key: bytes
    common_passwords: frozenset[str]
    clock: Clock
    ticks: Ticks = time.monotonic
    new_id: NewId
    accounts: AccountRecords
    hospitals: HospitalRecords
    protocols: ProtocolRecords
    models: ModelRecords
    keys: KeyRecords
    recordings: RecordingRecords
    inferences: InferenceRecords
    jobs: JobRecords
    audit: AuditRecords
    database: DatabaseHealth
    space: DiskSpace
    audio: AudioStore
    bundles: BundleStore
    predictor: Predictor
    hasher: PasswordHasher
    queue: JobQueue

    def submission_records(self) -> SubmissionRecords:
        """Return the records a submission reads and writes."""
        return SubmissionRecords(
            protocols=self.protocols,
            hospitals=self.hospitals,
            models=self.models,
            recordings=self.recordings,
            inferences=self.inferences,
        )

    def scoring(self) -> Scoring:
        """Return what a prediction needs."""
        return Scoring(
            owner=self.owner,
            timeout_s=self.settings.job_timeout_s,
            lease_s=self.settings.lease_s,
            clock=self.clock,
            ticks=self.ticks,
            jobs=self.jobs,
            inferences=self.inferences,
            recordings=self.recordings,
            models=self.models,
            audio=self.audio,
            bundles=self.bundles,
            predictor=self.predictor,
        )

    def model_room(self) -> ModelRoom:
        """Return what installing and switching models works with."""
        return ModelRoom(
            clock=self.clock,
            new_id=self.new_id,
            models=self.models,
            keys=self.keys,
            protocols=self.protocols,
            bundles=self.bundles,
            predictor=self.predictor,
            golden_timeout_s=self.settings.job_timeout_s,
        )


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a fresh UUID."""
    return str(uuid.uuid4())


def make_box_files(settings: Settings) -> None:
    """Make the secrets and the empty database of a new box; what is there stays.

    Raises:
        DatabaseUnusable, DatabaseBusy, DiskFull, StorageFailed.
    """
    make_secrets(settings.keys, random_bytes=secrets.token_bytes)
    open_records(settings.directory / "records.db").close()


def notifier() -> SystemdNotifier:
    """Return what tells systemd of this process; silent where there is no systemd."""
    return systemd_notifier(os.environ, pid=os.getpid())


@contextmanager
def open_appliance(
    settings: Settings, *, serving: bool = False, on_failure: OnFailure = None
) -> Iterator[Appliance]:
    """Open a box that was initialised, and close it in order.

    Args:
        settings: where it lies and how it is to behave.
        serving: models are scored in this process; else in one of their own with limits.
        on_failure: called once when the disk fails to store; may neither block nor write.

    Raises:
        NotInitialised: there is no box in this directory.
        SecretMissing, DatabaseUnusable, DatabaseBusy, DiskFull, StorageFailed.
    """
    directory = _initialised(settings)
    failure, space = FailedDisk(on_failure), _space(settings)
    records = open_records(directory / "records.db", on_failure=failure.tell, space=space)
    predictor = (OnnxPredictor if serving else ConfinedPredictor)(settings.job_timeout_s)
    try:
        audio = _audio(directory, space, failure.tell)
        bundles = _bundles(directory, space, failure.tell)
        failure.stops = tuple(one.refuse_writes for one in (audio, bundles, records.database))
        yield Appliance(
            settings=settings,
            owner=f"{os.getpid()}-{new_id()}",
            token_secret=read_secret(settings.keys, TOKEN_SECRET),
            pseudonym_key=read_secret(settings.keys, PSEUDONYM_KEY),
            common_passwords=load_common_passwords(),
            clock=now,
            new_id=new_id,
            accounts=records.accounts,
            hospitals=records.hospitals,
            protocols=records.protocols,
            models=records.models,
            keys=records.keys,
            recordings=records.recordings,
            inferences=records.inferences,
            jobs=records.jobs,
            audit=records.audit,
            database=records,
            space=space,
            audio=audio,
            bundles=bundles,
            predictor=predictor,
            hasher=Argon2Passwords(),
            queue=HueyQueue(directory),
        )
    finally:
        predictor.close()
        records.close()


@contextmanager
def open_examined(settings: Settings) -> Iterator[ExaminedBox]:
    """Open for the doctor what can be opened of a box: a broken part hides no other.

    Raises:
        NotInitialised: there is no box in this directory.
        StorageFault: not even its directories can be opened.
    """
    directory = _initialised(settings)
    space = _space(settings)
    with ExitStack() as opened:
        yield ExaminedBox(
            directory=directory,
            clock=now,
            missing_secrets=key_files.missing_secrets(settings.keys),
            unchecked_secrets=key_files.unchecked_secrets(settings.keys),
            public_key=demonstration_key().fingerprint,
            records=_examined_records(directory, space, opened),
            space=space,
            recordings_above_bytes=space.levels.recordings.free_bytes,
            audio=_audio(directory, space),
            bundles=_bundles(directory, space),
            predictor=opened.enter_context(closing(ConfinedPredictor(settings.job_timeout_s))),
        )


def _initialised(settings: Settings) -> Path:
    directory = settings.directory
    if not (directory / "records.db").is_file():
        raise NotInitialised(directory=str(directory))
    return directory


def _examined_records(
    directory: Path, space: DiskSpace, opened: ExitStack
) -> ExaminedRecords | StorageFault:
    try:
        records = open_records(directory / "records.db", space=space)
    except StorageFault as fault:
        return fault
    opened.callback(records.close)
    return ExaminedRecords(
        health=records,
        audit=records.audit,
        recordings=records.recordings,
        inferences=records.inferences,
        models=records.models,
        keys=records.keys,
        protocols=records.protocols,
    )


def _space(settings: Settings) -> BallastFiles:
    return BallastFiles(
        settings.directory / "ballast",
        reserve_bytes=settings.reserve_bytes,
        ballast_bytes=settings.ballast_bytes,
    )


def _audio(directory: Path, space: BallastFiles, on_failure: OnFailure = None) -> AudioFiles:
    level = space.levels.recordings
    return AudioFiles(
        directory / "audio",
        reserve_bytes=level.free_bytes,
        n_reserved_names=level.n_names or 0,
        on_failure=on_failure,
    )


def _bundles(directory: Path, space: DiskSpace, on_failure: OnFailure = None) -> BundleFiles:
    root = directory / "bundles"
    return BundleFiles(root, root / "staging", verify=verify, space=space, on_failure=on_failure)

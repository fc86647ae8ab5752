"""From settings to a working appliance: the only place that knows which adapter fills a port."""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import cache, partial
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
from appliance.adapters.huey_queue import HueyQueue, is_queue_usable
from appliance.adapters.key_files import (
    N_SECRET_BYTES,
    PSEUDONYM_KEY,
    TOKEN_SECRET,
    make_secrets,
    read_secret,
)
from appliance.adapters.onnx_predictor import ConfinedPredictor, OnnxPredictor
from appliance.adapters.parquet_files import parquet_writer
from appliance.adapters.sqlite_records import SqliteRecords, open_records
from appliance.adapters.systemd_notify import SystemdNotifier, systemd_notifier
from appliance.bootstrap.appliance import Appliance
from appliance.bootstrap.box_keys import (
    box_signer,
    demonstration_key,
    envelope_opener,
    is_outbox_key_lost,
    refuse_lost_outbox_key,
)
from appliance.core.errors import NotInitialised, StorageFailed, StorageFault
from appliance.ports import DiskSpace
from appliance.settings import Settings
from appliance.usecases.doctor import ExaminedBox, ExaminedRecords

__all__ = [
    "Appliance",
    "make_box_files",
    "new_id",
    "notifier",
    "now",
    "open_appliance",
    "open_examined",
    "parquet_writer",
]

OnFailure: TypeAlias = Callable[[StorageFailed], None] | None


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
        OutboxKeyLost: when serving: a new key would not open what tablets hold.
        SecretMissing, DatabaseUnusable, DatabaseBusy, DiskFull, StorageFailed.
    """
    directory = _initialised(settings)
    if serving:
        refuse_lost_outbox_key(settings)
    failure, space = FailedDisk(on_failure), _space(settings)
    records = open_records(directory / "records.db", on_failure=failure.tell, space=space)
    predictor = (OnnxPredictor if serving else ConfinedPredictor)(settings.job_timeout_s)
    try:
        audio = _audio(directory, space, failure.tell)
        bundles = _bundles(directory, space, failure.tell)
        failure.stops = tuple(one.refuse_writes for one in (audio, bundles, records.database))
        yield _filled(settings, records, space, audio, bundles, predictor)
    finally:
        predictor.close()
        records.close()


def _filled(
    settings: Settings,
    records: SqliteRecords,
    space: BallastFiles,
    audio: AudioFiles,
    bundles: BundleFiles,
    predictor: OnnxPredictor | ConfinedPredictor,
) -> Appliance:
    """Return the appliance with every port filled."""
    return Appliance(
        settings=settings,
        owner=f"{os.getpid()}-{new_id()}",
        token_secret=read_secret(settings.keys, TOKEN_SECRET),
        pseudonym_key=read_secret(settings.keys, PSEUDONYM_KEY),
        common_passwords=load_common_passwords(),
        clock=now,
        new_id=new_id,
        new_secret=partial(secrets.token_urlsafe, N_SECRET_BYTES),
        accounts=records.accounts,
        refreshes=records.refreshes,
        envelopes=records.envelopes,
        tablets=records.tablets,
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
        queue=HueyQueue(settings.directory),
        signer=cache(partial(box_signer, settings)),
        is_signed_by=verify,
        opener=cache(partial(envelope_opener, settings)),
    )


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
            outbox_key_lost=is_outbox_key_lost(settings),
            queue_usable=is_queue_usable(settings.directory),
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
        tablets=records.tablets,
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

"""Every port of a box, filled, and what is often wanted of them together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from appliance.core.signing_key import BoxSigner
from appliance.ports import (
    AccountRecords,
    AudioStore,
    AuditRecords,
    BundleStore,
    Clock,
    DatabaseHealth,
    DiskSpace,
    EnvelopeOpener,
    EnvelopeRecords,
    HospitalRecords,
    InferenceRecords,
    JobQueue,
    JobRecords,
    KeyRecords,
    ModelRecords,
    NewId,
    NewSecret,
    PasswordHasher,
    Predictor,
    ProtocolRecords,
    RecordingRecords,
    RefreshRecords,
    TabletRecords,
    Ticks,
)
from appliance.settings import Settings
from appliance.usecases.models import ModelRoom
from appliance.usecases.predict import Scoring
from appliance.usecases.submit import SubmissionRecords


@dataclass(frozen=True, kw_only=True)
class Appliance:
    """Every port, filled; what web, worker and console work with.

    Attributes:
        owner: this process and boot; claims of results are signed with it.
        token_secret: 32 random bytes of this box that sign its tokens.
        pseudonym_key: 32 random bytes of this box that make patient pseudonyms.
        common_passwords: lower-case passwords that are refused.
        new_secret: makes 256 random bits as a text.
        signer: returns what signs for the box; SecretMissing.
        is_signed_by: whether the owner of a public key signed a content with a signature.
        opener: returns what opens the items that are sealed to this box; SecretMissing.
    """

    settings: Settings
    owner: str
    token_secret: bytes
    pseudonym_key: bytes
    common_passwords: frozenset[str]
    clock: Clock
    ticks: Ticks = time.monotonic
    new_id: NewId
    new_secret: NewSecret
    accounts: AccountRecords
    refreshes: RefreshRecords
    envelopes: EnvelopeRecords
    tablets: TabletRecords
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
    signer: Callable[[], BoxSigner]
    is_signed_by: Callable[[bytes, bytes, bytes], bool]
    opener: Callable[[], EnvelopeOpener]

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

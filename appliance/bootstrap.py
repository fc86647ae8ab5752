"""From settings to a working appliance: the only place that knows which adapter fills a port."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.ports import (
    AccountRecords,
    AudioStore,
    AuditRecords,
    BundleStore,
    Clock,
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
)
from appliance.settings import Settings
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
    """

    settings: Settings
    owner: str
    token_secret: bytes
    pseudonym_key: bytes
    common_passwords: frozenset[str]
    clock: Clock
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
            jobs=self.jobs,
            inferences=self.inferences,
            recordings=self.recordings,
            models=self.models,
            audio=self.audio,
            bundles=self.bundles,
            predictor=self.predictor,
        )

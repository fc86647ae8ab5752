"""The record ports together, as each of their fillers offers them."""

from __future__ import annotations

from typing import Protocol

from appliance.core.ids import ModelVersionId
from appliance.ports import (
    AccountRecords,
    AuditRecords,
    EnvelopeRecords,
    HospitalRecords,
    InferenceRecords,
    JobRecords,
    KeyRecords,
    ModelRecords,
    ProtocolRecords,
    RecordingRecords,
    RefreshRecords,
    TabletRecords,
)
from tests.builders import (
    a_hospital,
    a_model,
    a_model_version,
    a_user,
    an_audit,
    an_installed_protocol,
)


class Records(Protocol):
    """Every record port, filled."""

    @property
    def accounts(self) -> AccountRecords:
        """Users and tokens."""

    @property
    def hospitals(self) -> HospitalRecords:
        """The list of hospitals."""

    @property
    def protocols(self) -> ProtocolRecords:
        """Protocol documents."""

    @property
    def models(self) -> ModelRecords:
        """Models and versions."""

    @property
    def keys(self) -> KeyRecords:
        """Trusted keys."""

    @property
    def recordings(self) -> RecordingRecords:
        """Recordings."""

    @property
    def inferences(self) -> InferenceRecords:
        """Inferences."""

    @property
    def refreshes(self) -> RefreshRecords:
        """Chains of secrets."""

    @property
    def envelopes(self) -> EnvelopeRecords:
        """Sealed items by number."""

    @property
    def tablets(self) -> TabletRecords:
        """Enrolled devices."""

    @property
    def jobs(self) -> JobRecords:
        """Work."""

    @property
    def audit(self) -> AuditRecords:
        """The chain."""


def furnish(records: Records) -> None:
    """Add what the default inference of `tests.builders` names, with its model active."""
    records.hospitals.add_hospital(a_hospital(), audit=an_audit())
    records.accounts.add_user(a_user(), "hash", audit=an_audit())
    records.protocols.install(an_installed_protocol(), audit=an_audit())
    records.models.add_model(a_model(), audit=an_audit())
    records.models.add_version(a_model_version(), audit=an_audit())
    records.models.activate(ModelVersionId("version-1"), default=True, audit=an_audit())


def n_audited(records: Records) -> int:
    """Return how many audit rows there are."""
    return records.audit.head()[0]

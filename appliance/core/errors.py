"""Every error the appliance raises on purpose: five families, one stable code a leaf.

No HTTP status, exit status or sentence for nurses lives here: those are tables at the edges.
Details carry ids, counts and codes, never patient data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

Detail = str | int | float | bool | None | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One thing wrong with one field of a form, body, document or manifest.

    Attributes:
        field: dotted path of the field, for example ``spo2`` or ``recordings.0.role``.
        code: kebab-case code the clients translate, for example ``required`` or ``range``.
        message: English words for programs and logs; never holds the value itself.
    """

    field: str
    code: str
    message: str


class ApplianceError(Exception):
    """Something the appliance expected could go wrong, and did.

    The first line of a leaf's docstring is its meaning in the handbook's table.
    """

    code: ClassVar[str]
    remedy: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(
        self, detail: str = "", *, errors: tuple[FieldError, ...] = (), **details: Detail
    ) -> None:
        """Keep what happened.

        Args:
            detail: one English sentence with ids and numbers only; the leaf's meaning by default.
            errors: the fields at fault, where fields are at fault.
            details: ids, counts and codes for logs and programs.
        """
        self.detail = detail or (type(self).__doc__ or "").split("\n", 1)[0]
        self.errors = errors
        self.details = details
        super().__init__(self.detail)


class Refused(ApplianceError):
    """The caller can mend it."""


class Denied(ApplianceError):
    """Who you are does not allow it."""


class Missing(ApplianceError):
    """There is no such thing here."""


class ModelFault(ApplianceError):
    """A bundle, or the run of a model, is at fault."""


class StorageFault(ApplianceError):
    """The box cannot store or read as it must."""


# --- Refused ------------------------------------------------------------------------------


class InvalidRequest(Refused):
    """The request is not valid."""

    code = "invalid-request"
    remedy = "Mend the fields named under errors and send it again."


class MalformedRequest(Refused):
    """The request cannot be understood."""

    code = "malformed-request"
    remedy = "Send what the API describes: well-formed JSON, form or multipart."


class InvalidForm(Refused):
    """Answers of the form are missing or not allowed by its protocol."""

    code = "invalid-form"
    remedy = "Mend the fields named under errors and send it again."


class DigestMismatch(Refused):
    """Content-Digest is missing or differs from what arrived."""

    code = "digest-mismatch"
    remedy = "Send Content-Digest: sha-256=:<base64>: of the very bytes of the body."


class UnsupportedAudio(Refused):
    """The recording is not RIFF/WAVE with 16-bit PCM, 1 or 2 channels, 16 to 96 kHz."""

    code = "unsupported-audio"
    remedy = "Record 16-bit PCM WAV; other formats are never guessed."


class InvalidAudio(Refused):
    """The recording is a WAV file whose contents cannot be true."""

    code = "invalid-audio"
    remedy = "Record again: the file is cut, empty, too long or contradicts itself."


class TooLarge(Refused):
    """The body or one of its parts is larger than allowed."""

    code = "too-large"
    remedy = "Stay within the limit named in the details."


class HeadersTooLarge(Refused):
    """The headers of the request are larger than allowed."""

    code = "headers-too-large"
    remedy = "Send headers within max_bytes; the token is the longest the API asks for."


class LengthRequired(Refused):
    """The request names neither the length of its body nor chunks."""

    code = "length-required"
    remedy = "Send Content-Length, or Transfer-Encoding: chunked."


class RangeNotSatisfiable(Refused):
    """The range asked for lies outside the recording."""

    code = "range-not-satisfiable"
    remedy = "Ask for one range within the length named in n_bytes."


class UnsupportedMediaType(Refused):
    """The body has a media type this address does not take."""

    code = "unsupported-media-type"
    remedy = "Send the Content-Type the API describes for this address."


class ContentConflict(Refused):
    """This id is already here with other content."""

    code = "content-conflict"
    remedy = "Nothing was changed. Use a new id for new content."


class NotAnswered(Refused):
    """The inference has no diagnosis yet, or none will come."""

    code = "not-answered"
    remedy = "Ask for the inference until its status is completed."


class RecordingsMissing(Refused):
    """Recordings named by the inference are not here."""

    code = "recordings-missing"
    remedy = "Send the recordings named in the details, then the inference again."


class RecordingRefused(Refused):
    """This recording was refused by the patient and is never kept."""

    code = "recording-refused"
    remedy = "Forget it: consent was refused, and what had arrived is erased."


class EnvelopeRefused(Refused):
    """The sealed item cannot be opened, or is not what it says."""

    code = "envelope-refused"
    remedy = (
        "It was sealed to another box, changed on its way, or names another author. Keep it on the "
        "tablet, export it there, and let IT look at it."
    )


class EnrolmentRefused(Refused):
    """The code enrols no tablet."""

    code = "enrolment-refused"
    remedy = "Check what was typed, or make a new code: it is good for one tablet and one day."


class ConsentRequired(Refused):
    """Recordings cannot be attached without an accepted consent."""

    code = "consent-required"
    remedy = "Send the consent, or refuse it without recordings."


class ModelNotReady(Refused):
    """The model waits for its first bundle."""

    code = "model-not-ready"
    remedy = "Install and activate a bundle of this model, or choose another model."


class ProtocolInvalid(Refused):
    """The protocol document is not valid."""

    code = "protocol-invalid"
    remedy = "Mend what is listed under errors; `spira protocols validate FILE` checks it."


class ProtocolConflict(Refused):
    """This protocol id is installed with other content."""

    code = "protocol-conflict"
    remedy = "Installed protocols never change: give the new document a new id."


class PasswordMismatch(Refused):
    """Password and confirmation don't match."""

    code = "password-mismatch"
    remedy = "Type the same password twice."


class WeakPassword(Refused):
    """The password is too short, too long or too common."""

    code = "weak-password"
    remedy = "Choose at least 12 characters that are not a common password."


class UsernameTaken(Refused):
    """The username is already registered."""

    code = "username-taken"
    remedy = "Choose another username."


class EmailTaken(Refused):
    """The e-mail is already registered."""

    code = "email-taken"
    remedy = "Use another e-mail address."


class EmailMalformed(Refused):
    """The e-mail format is invalid."""

    code = "email-malformed"
    remedy = "Write it as name@example.org."


class NameTaken(Refused):
    """The name is already registered."""

    code = "name-taken"
    remedy = "Choose another name."


class VersionPending(Refused):
    """The model version still has results to compute, or is in use."""

    code = "version-pending"
    retryable = True
    remedy = "Wait until its results are done, or activate another version first."


class NothingToRollBack(Refused):
    """There is no earlier version to roll back to."""

    code = "nothing-to-roll-back"
    remedy = "Install and activate another version instead."


class AuditHeadRefused(Refused):
    """The file is no head of this box's audit chain."""

    code = "audit-head-refused"
    remedy = "Name a file that `spira audit head --sign FILE` of this very box wrote."


class KeyRevoked(Refused):
    """This key was revoked."""

    code = "key-revoked"
    remedy = "A revoked key never comes back: ask its owner for a bundle signed by a new one."


class KeyPublic(Refused):
    """Everybody has the private half of this key."""

    code = "key-public"
    remedy = "It is for `spira init --demo` alone: ask the model's author for a key of their own."


class TargetNotEmpty(Refused):
    """The target directory exists and is not empty."""

    code = "target-not-empty"
    remedy = "Name a new or empty directory."


class TargetUnwritable(Refused):
    """The target directory cannot be written."""

    code = "target-unwritable"
    remedy = "Name a directory you may write to, on a disk that is mounted for writing."


class SettingsInvalid(Refused):
    """A setting is unknown or has a value it cannot have."""

    code = "settings-invalid"
    remedy = "Mend the settings named under errors, in settings.toml or in SPIRA_*."


class AddressUnavailable(Refused):
    """The address to listen on is taken or not this machine's."""

    code = "address-unavailable"
    remedy = "Choose another host or port, or stop what listens there."


# --- Denied -------------------------------------------------------------------------------


class NotSignedIn(Denied):
    """Could not validate the credentials."""

    code = "not-signed-in"
    remedy = "Sign in and send the token."


class WrongCredentials(Denied):
    """Incorrect username or password."""

    code = "wrong-credentials"
    remedy = "Check username and password."


class WrongPassword(Denied):
    """The old password is not right."""

    code = "wrong-password"
    remedy = "Type the password you signed in with, or ask an administrator to set a new one."


class OwnAccount(Denied):
    """Administrators do not end their own rights."""

    code = "own-account"
    remedy = "Ask another administrator, or use the command line of the box."


class NotAllowed(Denied):
    """Forbidden operation."""

    code = "not-allowed"
    remedy = "Ask an administrator for the role this needs."


class HostNotServed(Denied):
    """This box does not answer to that name."""

    code = "host-not-served"
    remedy = "Use a name or address listed in allowed_hosts, or add this one to the settings."


class OriginNotServed(Denied):
    """This box does not answer to pages of that origin."""

    code = "origin-not-served"
    remedy = "Open the page from the box itself, or list its origin in cors_origins."


class CrossSite(Denied):
    """Another page asked for this with the cookies of somebody who is signed in here."""

    code = "cross-site"
    remedy = "Programs send a token; the web app sends its header from its own page."


class TooManyAttempts(Denied):
    """Too many attempts to sign in."""

    code = "too-many-attempts"
    retryable = True
    remedy = "Wait the seconds named in retry_after_s."


# --- Missing ------------------------------------------------------------------------------


class UserNotFound(Missing):
    """User not found."""

    code = "user-not-found"
    remedy = "List users to see their ids."


class HospitalNotFound(Missing):
    """Hospital not found."""

    code = "hospital-not-found"
    remedy = "List hospitals to see their names and ids."


class ModelNotFound(Missing):
    """Model not found."""

    code = "model-not-found"
    remedy = "List models to see their names, versions and ids."


class AppNotBuilt(Missing):
    """The web app is not part of this installation."""

    code = "app-not-built"
    remedy = "In a checkout run make ui; otherwise install the release again."


class InferenceNotFound(Missing):
    """Inference not found."""

    code = "inference-not-found"
    remedy = "Check the id; lists show those you may see."


class ResultNotFound(Missing):
    """Result not found."""

    code = "result-not-found"
    remedy = "Check the id of the inference."


class CollectionWithoutResult(Missing):
    """This was a collection: it has no result."""

    code = "collection"
    remedy = "Nothing to do: collections are recorded, not scored."


class ConsentRefused(Missing):
    """Consent was refused: nothing was kept and there is no result."""

    code = "consent-refused"
    remedy = "Nothing to do."


class RecordingNotFound(Missing):
    """Recording not found."""

    code = "recording-not-found"
    remedy = "Check the id of the recording."


class ProtocolNotFound(Missing):
    """Protocol not found."""

    code = "protocol-not-found"
    remedy = "List protocols to see their ids."


class KeyNotFound(Missing):
    """Key not found."""

    code = "key-not-found"
    remedy = "List keys to see their fingerprints."


class TabletNotFound(Missing):
    """Tablet not found."""

    code = "tablet-not-found"
    remedy = "List tablets to see their names and ids."


class ParquetMissing(Missing):
    """Parquet needs pyarrow, which is not installed beside this release."""

    code = "parquet-missing"
    remedy = (
        "Install it where spira is (pip install 'pyarrow>=21,<26'), or leave --parquet out: "
        "pandas, R and DuckDB read the CSV, and DuckDB makes Parquet of it."
    )


class FileMissing(Missing):
    """A file that was named does not exist or cannot be read."""

    code = "file-missing"
    remedy = "Check the path and its permissions."


# --- ModelFault ---------------------------------------------------------------------------


class BundleRefused(ModelFault):
    """The bundle breaks a rule of its format."""

    code = "bundle-refused"
    remedy = "Nothing was installed. Ask its author for a correct bundle; `reason` says why."


class BundleUntrusted(ModelFault):
    """The bundle is not signed by a key this box trusts for it."""

    code = "bundle-untrusted"
    remedy = "Nothing was installed. Get the bundle again, or add its author's key at the console."


class BundleOutdated(ModelFault):
    """The bundle is older than what was already installed of this model."""

    code = "bundle-outdated"
    remedy = "Install a newer bundle; to go back, use `spira models rollback`."


class BundleConflict(ModelFault):
    """This version is installed with other content."""

    code = "bundle-conflict"
    remedy = "A version never changes: ask its author to give the new content a new version."


class GoldenMismatch(ModelFault):
    """The model does not repeat its golden results on this box."""

    code = "golden-mismatch"
    remedy = "The old model stays active. Tell its author what `spira models verify` prints."


class GraphRefused(ModelFault):
    """The model's graph cannot be trusted or run here."""

    code = "graph-refused"
    remedy = "Export one self-contained graph with the operators BUNDLE.md allows."


class PredictionFailed(ModelFault):
    """The run of the model failed."""

    code = "prediction-failed"
    remedy = "The recordings are kept. Tell IT; `spira models verify` shows more."


class PredictionTimeout(ModelFault):
    """The run of the model took too long and was ended."""

    code = "prediction-timeout"
    remedy = "The recordings are kept. Tell IT; the model may be unfit for this box."


class PredictionPoisonous(ModelFault):
    """The run of the model ended the whole process three times."""

    code = "prediction-poisonous"
    remedy = "The recordings are kept. Tell IT and the model's author."


class ModelUnavailable(ModelFault):
    """The files of this model version are not here or are damaged."""

    code = "model-unavailable"
    remedy = "Install its bundle again."


class LabMissing(ModelFault):
    """This command needs the lab environment (torch, mlflow), which is not installed."""

    code = "lab-missing"
    remedy = "On a connected workstation run `make lab` and use .venv-lab/bin/spira."


class ModelSourceUnavailable(ModelFault):
    """The model registry cannot be reached or does not hold this model."""

    code = "model-source-unavailable"
    retryable = True
    remedy = "Check the tracking URI and the model's name, version or alias."


class ModelRefused(ModelFault):
    """The model is not made as a bundle can take it."""

    code = "model-refused"
    remedy = "Change what is named and log it again; models/AUTHORS.md has a template that runs."


class ParityBroken(ModelFault):
    """The exported graph does not agree with the PyTorch model."""

    code = "parity-broken"
    remedy = "Nothing was packed. Compare the operators of the export with the module."


# --- StorageFault -------------------------------------------------------------------------


class DiskFull(StorageFault):
    """The disk is full."""

    code = "disk-full"
    retryable = True
    remedy = "Nothing acknowledged was lost. Free space; `spira doctor` shows how much is left."


class StorageFailed(StorageFault):
    """The disk failed to store what it must; the box stops acknowledging."""

    code = "storage-failed"
    retryable = True
    remedy = "Check the disk (dmesg, smartctl); the service restarts by itself."


class DatabaseBusy(StorageFault):
    """The database is busy."""

    code = "database-busy"
    retryable = True
    remedy = "Try again in a moment."


class Overloaded(StorageFault):
    """The box has too much to do at once."""

    code = "overloaded"
    retryable = True
    remedy = "Nothing was stored. Try again in a moment."


class DatabaseUnusable(StorageFault):
    """The database cannot be opened: damaged, or written by a newer release."""

    code = "database-unusable"
    remedy = (
        "See whether the system's log tells of a failing disk. If not, restore a backup, or "
        "install the release that wrote it."
    )


class LogDamaged(StorageFault):
    """The database's log is damaged: to open it would take back what was acknowledged."""

    code = "log-damaged"
    remedy = (
        "Keep a copy of the data directory, check the disk and restore a backup. Without one: in a"
        " copy, move records.db-wal away and run `spira verify`; what the log held is lost, and a"
        " database that was being written back may be torn."
    )


class RecordDamaged(StorageFault):
    """A row of the database is not as it was written; it is neither shown nor used."""

    code = "record-damaged"
    remedy = "Restore a backup and check the disk; `spira verify` lists such rows."


class AudioMissing(StorageFault):
    """A recording's file is missing."""

    code = "audio-missing"
    remedy = "Restore it from a backup; `spira doctor` lists such files."


class AudioDamaged(StorageFault):
    """A recording's file no longer has its SHA-256."""

    code = "audio-damaged"
    remedy = "Restore it from a backup and check the disk."


class NotInitialised(StorageFault):
    """The data directory is missing or was never initialised."""

    code = "not-initialised"
    remedy = "Run `spira init` (or name the right directory with --data)."


class SecretMissing(StorageFault):
    """A secret of this box is missing or damaged."""

    code = "secret-missing"
    remedy = "Restore the file from a backup; a new one would not match what the box has given out."


class OutboxKeyLost(StorageFault):
    """The key that tablets seal to is gone; a new one would not open what they still hold."""

    code = "outbox-key-lost"
    remedy = (
        "Put outbox.key back from a backup. If there is none: `spira keys give-up outbox.key` makes"
        " a new one, and what was sealed to the old one is lost."
    )


class AlreadyInitialised(StorageFault):
    """The data directory is already initialised."""

    code = "already-initialised"
    remedy = "Use it as it is, or name a new directory with --data."


class AlreadyServing(StorageFault):
    """Another process already serves this data directory."""

    code = "already-serving"
    remedy = "Stop the other `spira serve` first."


class AuditBroken(StorageFault):
    """The audit chain does not hold."""

    code = "audit-broken"
    remedy = "Rows were changed from outside: keep the disk as evidence, tell the security officer."


class DemonstrationFailed(StorageFault):
    """The demonstration did not come to its end."""

    code = "demonstration-failed"
    remedy = "Read serve.log in its data directory, then run it again."

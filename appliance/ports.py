"""What the use cases need of the world: one Protocol a need, each with a real filler and a fake.

Every method that writes is one durable transaction (or one fsynced file operation) together
with its audit row, and may be called from any thread. Unless a method says otherwise:

- a write that returned is on disk; one that raised changed nothing;
- `DiskFull`, `DatabaseBusy` and `StorageFailed` may come from every method;
- after a `StorageFailed` no further write succeeds in this process;
- rows come back as core values; lists come in a stable order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from appliance.core.account import Credentials, Role, Token, User
from appliance.core.audit import AuditEntry, AuditLine, AuditRow
from appliance.core.bundle import BundleContents, StagedBundle
from appliance.core.envelope import ItemKind, Receipt, Sealed
from appliance.core.hospital import Hospital
from appliance.core.ids import (
    HospitalId,
    InferenceId,
    ModelId,
    ModelVersionId,
    ProtocolId,
    RecordingId,
    ResultId,
    Sha256,
    TabletId,
    TokenId,
    UserId,
)
from appliance.core.inference import (
    Consent,
    Inference,
    InferencePage,
    InferenceQuery,
    Recording,
    Settled,
)
from appliance.core.installed_protocol import InstalledProtocol
from appliance.core.model import Model, ModelVersion, VersionState
from appliance.core.refresh import Refresh
from appliance.core.result import Answer, Result
from appliance.core.scores import Scores
from appliance.core.signing_key import TrustedKey
from appliance.core.tablet import Standing, Tablet
from appliance.core.throttle import Budget
from appliance.core.wav import MAX_BYTES


class Stored(StrEnum):
    """Whether a write with a client's own id was the first or a repeat with equal content."""

    NEW = "new"
    SAME = "same"


class NewId(Protocol):
    """Where fresh identifiers come from."""

    def __call__(self) -> str:
        """Return a new UUID in its 36-character spelling."""


class Clock(Protocol):
    """The one source of the present instant."""

    def __call__(self) -> datetime:
        """Return now, aware, in UTC."""


class Ticks(Protocol):
    """The one measure of how long something takes: nobody can set it."""

    def __call__(self) -> float:
        """Return seconds since some instant, the same one for the life of the process."""


class AccountRecords(Protocol):
    """Users, their tokens, and the counts that throttle sign-in."""

    def add_user(self, user: User, password_hash: str, *, audit: AuditEntry) -> None:
        """Add a user. Raises UsernameTaken, EmailTaken (both compared without case)."""

    def user(self, user_id: UserId) -> User:
        """Return the user. Raises UserNotFound."""

    def users(self) -> tuple[User, ...]:
        """Return all users by username."""

    def credentials(self, username: str) -> Credentials | None:
        """Return the user with that name, whatever its case, and the password's hash."""

    def change_user(
        self,
        user_id: UserId,
        *,
        role: Role | None = None,
        active: bool | None = None,
        hospital_ids: Sequence[HospitalId] | None = None,
        audit: AuditEntry,
    ) -> User:
        """Change what is not None, end the user's tokens if role or active changed.

        Raises:
            UserNotFound, HospitalNotFound.
        """

    def set_password(self, user_id: UserId, password_hash: str, *, audit: AuditEntry) -> None:
        """Replace the hash, end all tokens, forget the account's failures. UserNotFound."""

    def add_token(self, token: Token, *, password_hash: str, audit: AuditEntry) -> None:
        """Remember a token that was given out; forget those that expired a day ago.

        Args:
            token: the token.
            password_hash: the one that was verified: a password changed since gives no token.
            audit: what the sign-in says for itself.

        Raises:
            WrongCredentials: the user is not active any more or has another password.
            UserNotFound.
        """

    def token_user(self, token_id: TokenId, *, now: datetime) -> User | None:
        """Return the active user of a token neither revoked nor expired; one read."""

    def end_tokens(self, ids: Collection[TokenId]) -> None:
        """Forget tokens whose time is over, so that no clock revives them; one transaction.

        Their families go on. Ids that are unknown or revoked are no error, and nothing is written
        for them.
        """

    def revoke_token(self, token_id: TokenId, *, audit: AuditEntry) -> None:
        """End the token and its family at once; unknown ids are no error."""

    def end_family(self, family: str, *, audit: AuditEntry) -> None:
        """End the tokens of one sign-in and its chain of refreshes; unknown ones are no error."""

    def admit(self, keys: Mapping[Budget, str], *, at: datetime) -> float:
        """Count an attempt to sign in as a failure, unless it has to wait; one transaction.

        Counting before the hash means that guesses sent at once cannot slip past the budget.

        Returns:
            Seconds to wait by `appliance.core.throttle.wait_s`; 0.0 when it was admitted (and
            counted). An attempt that has to wait is not counted and does not move `last_at`.
        """

    def is_known(self, keys: Mapping[Budget, str]) -> bool:
        """Return whether the pair of these keys signed in with success before."""

    def count_success(self, keys: Mapping[Budget, str], *, at: datetime) -> None:
        """Take the admitted attempt back: forget the pair's failures and mark it known.

        The address loses the one failure that `admit` counted; the account's are forgotten.
        """


class NewSecret(Protocol):
    """Where fresh secrets come from."""

    def __call__(self) -> str:
        """Return 256 random bits as a text."""


class EnvelopeOpener(Protocol):
    """Opens what is sealed to this box; thread-safe, stores nothing."""

    @property
    def public_key(self) -> bytes:
        """The 65 bytes of the key that tablets seal to (P-256, uncompressed)."""

    def open(self, sealed: Sealed, item_id: str) -> bytes:
        """Return what was sealed under this id. Raises EnvelopeRefused (`seal`)."""


class EnvelopeRecords(Protocol):
    """What was brought home sealed, in the order in which the box took it in."""

    def add_envelope(
        self,
        item_id: str,
        kind: ItemKind,
        *,
        user_id: UserId,
        sha256: Sha256,
        at: datetime,
        audit: AuditEntry,
    ) -> tuple[Receipt, Stored]:
        """Give the item the next number, once. Raises ContentConflict: other content is here."""

    def missing(self, items: Sequence[tuple[str, Sha256]]) -> tuple[str, ...]:
        """Return the ids of the items that are not here with this content, in the order asked."""

    def last_seq(self) -> int:
        """Return the highest number given; 0 before the first."""


class TabletRecords(Protocol):
    """Devices that may bring sealed items, and how they stand."""

    def add_tablet(self, tablet: Tablet, *, code: Sha256, audit: AuditEntry) -> None:
        """Await a tablet. Raises NameTaken: another that is not revoked has the name."""

    def awaited(self, code: Sha256, *, now: datetime) -> Tablet | None:
        """Return the tablet a code is for; None where it is not good, or not any more."""

    def enrol(
        self, tablet_id: TabletId, *, code: Sha256, secret: Sha256, at: datetime, audit: AuditEntry
    ) -> bool:
        """Let the tablet show this secret from now on, and no other.

        False, and nothing is stored: the code is not good any more.
        """

    def tablet_with(self, secret: Sha256) -> Tablet | None:
        """Return the tablet that shows this secret; None where there is none, or a damaged row."""

    def stands(self, tablet_id: TabletId, standing: Standing) -> None:
        """Remember what a tablet said last; its code is used up. Unknown ones are no error."""

    def tablets(self) -> tuple[Tablet, ...]:
        """Return all tablets by name, revoked ones too."""

    def revoke_tablet(self, tablet_id: TabletId, *, audit: AuditEntry) -> None:
        """Let nobody show its secret or code any more; again changes nothing.

        Raises TabletNotFound.
        """


class RefreshRecords(Protocol):
    """Who stays signed in to the web app. Whatever ends a user's tokens ends the chains, too."""

    def begin(self, first: Refresh) -> None:
        """Remember the first secret of a sign-in; forget chains that ended."""

    def refresh(self, digest: Sha256) -> tuple[Refresh, bool] | None:
        """Return a secret, and whether one that followed it was used; None if it is not known."""

    def rotate(self, successor: Refresh, token: Token) -> bool:
        """Mark the successor's parent as used, and remember successor and token.

        False, and nothing is stored: the parent is not known any more, or its user not active.
        """


class HospitalRecords(Protocol):
    """The list of hospitals."""

    def add_hospital(self, hospital: Hospital, *, audit: AuditEntry) -> None:
        """Add a hospital. Raises NameTaken: another has the name, or had it once."""

    def hospitals(self) -> tuple[Hospital, ...]:
        """Return all hospitals by name."""

    def change_hospital(self, hospital: Hospital, *, audit: AuditEntry) -> None:
        """Store the new name and rule under its id; its former names are kept for ever.

        Raises:
            HospitalNotFound; NameTaken: another has the name, or had it once.
        """


class ProtocolRecords(Protocol):
    """Installed protocol documents; immutable."""

    def install(self, protocol: InstalledProtocol, *, audit: AuditEntry) -> Stored:
        """Store the document; the first one becomes active.

        Raises:
            ProtocolConflict: the id is installed with another digest.
        """

    def protocol(self, protocol_id: ProtocolId) -> InstalledProtocol:
        """Return the installed document. Raises ProtocolNotFound."""

    def active_protocol(self) -> InstalledProtocol:
        """Return the one new work begins under. Raises ProtocolNotFound if none is installed."""

    def protocols(self) -> tuple[InstalledProtocol, ...]:
        """Return all installed documents, oldest first."""

    def activate_protocol(self, protocol_id: ProtocolId, *, audit: AuditEntry) -> None:
        """Make new work begin under it. Raises ProtocolNotFound."""


class ModelRecords(Protocol):
    """Models, their versions, and which of them is active."""

    def add_model(self, model: Model, *, audit: AuditEntry) -> None:
        """Add a name that waits for a bundle. Raises NameTaken (name or channel)."""

    def models(self) -> tuple[Model, ...]:
        """Return all models, the default first, then by name."""

    def model(self, model_id: ModelId) -> Model:
        """Return the model. Raises ModelNotFound."""

    def model_named(self, name: str) -> Model:
        """Return the model of that name. Raises ModelNotFound."""

    def add_version(self, version: ModelVersion, *, audit: AuditEntry) -> Stored:
        """Add an installed version.

        Raises:
            BundleConflict: this version is here with another digest.
            BundleOutdated: its sequence is not above the highest ever installed.
        """

    def versions(self, model_id: ModelId | None = None) -> tuple[ModelVersion, ...]:
        """Return versions by model name and rising sequence, removed ones included."""

    def version(self, version_id: ModelVersionId) -> ModelVersion:
        """Return the version. Raises ModelNotFound."""

    def awaited(self) -> frozenset[ModelVersionId]:
        """Return the versions that queued or running results wait for."""

    def activate(self, version_id: ModelVersionId, *, default: bool, audit: AuditEntry) -> None:
        """Make it the active version of its model, and remember that it was.

        The former active version becomes `installed`. `default` makes its model the default;
        the first model ever activated is the default anyway.

        Raises:
            ModelNotFound: unknown or removed version.
        """

    def previous_active(self, model_id: ModelId) -> ModelVersion:
        """Return the version that was active before the present one and is still installed.

        Raises:
            NothingToRollBack: there is none.
        """

    def set_state(
        self, version_id: ModelVersionId, state: VersionState, *, audit: AuditEntry
    ) -> None:
        """Make a version `installed`, `shadow` or `removed`.

        Raises:
            VersionPending: it is to be removed while active or while results wait for it.
            ModelNotFound.
        """


class KeyRecords(Protocol):
    """Public keys whose signatures on bundles this box believes."""

    def add_key(self, key: TrustedKey, *, audit: AuditEntry) -> Stored:
        """Trust a key; trusting it again changes nothing."""

    def keys(self) -> tuple[TrustedKey, ...]:
        """Return the trusted keys by name, revoked ones left out."""

    def revoke_key(self, fingerprint: str, *, audit: AuditEntry) -> None:
        """Trust it no more, for ever. Raises KeyNotFound."""


class RecordingRecords(Protocol):
    """Recordings as received, attached or not."""

    def add_recording(self, recording: Recording, *, audit: AuditEntry) -> Stored:
        """Store the row.

        Raises:
            ContentConflict: the id is here with another user, role or hash.
            RecordingRefused: a refusal of its user named the id.
        """

    def recording(self, recording_id: RecordingId) -> Recording:
        """Return the recording. Raises RecordingNotFound."""

    def recordings(self, ids: Sequence[RecordingId]) -> tuple[Recording, ...]:
        """Return those of the ids that are here, in the order asked."""

    def erase_recording(self, recording_id: RecordingId, *, audit: AuditEntry) -> None:
        """Remove the row if no inference attaches it; attached or absent changes nothing."""

    def unattached(self, *, received_before: datetime) -> tuple[Recording, ...]:
        """Return recordings no inference attaches, oldest first."""

    def is_referenced(self, sha256: Sha256) -> bool:
        """Return whether any recording row has this content."""

    def content_hashes(self) -> Iterator[Sha256]:
        """Yield each referenced content hash once, in pages: a reader never blocks a writer.

        Raises:
            RecordDamaged: what is not yielded may be named by a row that is damaged.
        """


class InferenceRecords(Protocol):
    """Inferences with their consents and attachments."""

    def add_inference(
        self,
        inference: Inference,
        results: Sequence[Result],
        *,
        audit: AuditEntry,
    ) -> Stored:
        """Store the inference, its consent, attachments and pending results.

        All in one transaction. A result that is already answered is stored as such and, if not
        a shadow, settles the inference's status.

        Raises:
            ContentConflict: the id is here with another user or content_sha256.
            RecordingsMissing: an attached recording vanished meanwhile.
        """

    def add_shadow(self, result: Result, *, audit: AuditEntry) -> Stored:
        """Add what a version said later, in the shadow, answered already.

        SAME, and nothing is stored: there is a result of this version, answered or not.

        Raises:
            InferenceNotFound.
        """

    def add_refusal(
        self,
        refusal: Inference,
        named: Sequence[RecordingId],
        *,
        audit: Callable[[Sequence[RecordingId]], Sequence[AuditEntry]],
    ) -> Stored:
        """Store that consent was refused, and erase what was sent; one transaction.

        Of the recordings named, those of the refusal's user that no inference attaches lose
        their rows. `add_recording` takes none of the ids from that user any more, those
        included that have not arrived yet.

        Args:
            refusal: without form and attachments.
            named: ids the refused request named.
            audit: what to say, given the ids that were really erased.

        Raises:
            ContentConflict: the id is here with another user or content_sha256.
        """

    def refused_content(self, inference_id: InferenceId) -> tuple[Sha256, ...]:
        """Return the hashes of what this refusal erased; the files may still be there."""

    def inference(self, inference_id: InferenceId) -> Inference:
        """Return the inference. Raises InferenceNotFound."""

    def find(self, query: InferenceQuery) -> InferencePage:
        """Return one page, keyset-paged. Raises InvalidRequest for a cursor that is not ours."""

    def results(self, inference_id: InferenceId) -> tuple[Result, ...]:
        """Return all results: the requested model's first, then shadows by model name."""

    def settled(self, user_id: UserId, *, after: int, n_most: int = 100) -> tuple[Settled, ...]:
        """Return which of a user's inferences were answered, in that order.

        Args:
            user_id: whose.
            after: the `seq` of the last one known.
            n_most: no more than so many.
        """

    def mark_shown(self, inference_id: InferenceId, *, at: datetime) -> None:
        """Remember the first opening of the result; later calls change nothing."""

    def disagree(self, inference_id: InferenceId, *, at: datetime, audit: AuditEntry) -> None:
        """Remember that its nurse disagrees; later calls change nothing.

        Raises:
            InferenceNotFound: there is none.
        """

    def add_consent(
        self, inference_id: InferenceId, consent: Consent, *, audit: AuditEntry
    ) -> None:
        """Append a consent row, for example a withdrawal. Raises InferenceNotFound."""

    def consents(self, inference_id: InferenceId) -> tuple[Consent, ...]:
        """Return its consents in the order they were given."""

    def withdrawn(self) -> Iterator[tuple[Inference, Consent]]:
        """Yield the inferences whose consent was taken back last, each with that decision.

        Raises:
            RecordDamaged: of one that has more than one consent, some are lost.
        """

    def each(self, *, n_page: int = 500) -> Iterator[Inference]:
        """Yield all inferences in the order received, in pages of short read transactions."""


class JobRecords(Protocol):
    """Results as work to be done: the truth behind the queue (DESIGN.md §3)."""

    def claim(
        self, result_id: ResultId | None, *, owner: str, now: datetime, lease_until: datetime
    ) -> Result | None:
        """Take a queued result: running, attempts + 1, leased to the owner.

        With None the next one is taken: suspects first, then what is not in the shadow, then
        in order of arrival: a nurse waits for no shadow. A suspect
        (found running after a crash) is only given while nothing else runs, and nothing else
        is given while it runs. One that crashed alone before is not given between `reconcile`
        with `starting` and the next without: a box that falls for another reason, again and
        again just after its start, must not make poison of what it happens to run, and the
        others go on meanwhile. None comes back if there is nothing to take now.
        """

    def complete(
        self, result_id: ResultId, answer: Answer, *, owner: str, at: datetime, audit: AuditEntry
    ) -> bool:
        """Write the answer, and the inference's status if it is the requested model's.

        Returns False, changing nothing, if this owner's claim no longer holds.
        """

    def release(self, *, owner: str, result_id: ResultId | None = None) -> int:
        """Queue what this owner still runs, or this one of it; it counts as no attempt.

        Returns:
            How many results were given back.
        """

    def reconcile(self, *, owner: str, now: datetime, starting: bool) -> tuple[ResultId, ...]:
        """Return every queued result after putting right what a crash left behind.

        Running rows with an expired lease are queued again, and so are those that were claimed in
        the future (the clock went back), whose leases might last for years: should a worker still
        be at one of them, who answers first is heard, once. When `starting`, every running row
        is a crash's leaving: those that ran alone count one crash and become an error
        (`prediction-poisonous`) at `MAX_CRASHES_ALONE`; all others become suspects.
        """

    def counts(self) -> Mapping[str, int]:
        """Return the number of results by state."""


class AuditRecords(Protocol):
    """The chain of audit rows."""

    def append(self, entry: AuditEntry) -> AuditRow:
        """Append a row that belongs to no other write, such as a reading of patient data."""

    def rows(self, *, after: int = 0) -> Iterator[AuditRow]:
        """Yield rows by rising number, in pages of short read transactions."""

    def lines(self) -> Iterator[AuditLine]:
        """Yield rows as they are stored, by rising number, whatever was done to them."""

    def head(self) -> tuple[int, str]:
        """Return number and hash of the last row; (0, GENESIS) when there is none."""

    def noted_head(self) -> tuple[int, str]:
        """Return what was noted of the last row beside the chain; (0, '') if the note is gone.

        Each row moves the note in its own transaction: rows that are taken off the end of the
        chain are still in it.
        """

    def unaudited(self) -> Iterator[tuple[str, str]]:
        """Yield kind and id of what is here and has no row that says how it came; reads all."""


class DatabaseHealth(Protocol):
    """How the database itself is; for `spira doctor`."""

    @property
    def sqlite_version(self) -> str:
        """Return the release of SQLite in use, for example `3.40.1`."""

    def integrity_problems(self) -> tuple[str, ...]:
        """Return what is wrong with pages, indexes, foreign keys and schema; reads all."""

    @property
    def log_cut_short(self) -> bool:
        """Return whether the last write of a box that was killed was dropped at opening."""

    def damaged_rows(self) -> Iterator[tuple[str, str]]:
        """Yield table and id ('' if that is damaged, too) of rows not as written; reads all."""


class DiskSpace(Protocol):
    """Room on the data disk, and ballast: space held so that it can be given up for small writes.

    No method writes, waits, or raises anything but what it says, whatever the disk does.
    """

    def free_bytes(self) -> int:
        """Return what may still be written, ballast not counted."""

    def ballast_bytes(self) -> int:
        """Return how much ballast is held."""

    def admit(self, *, growing: bool) -> None:
        """Make room for a write by giving up ballast, as far as there is too little.

        Args:
            growing: it brings something new, such as an inference, that can come later; not a
                sign-in, an audit row or a result.

        Raises:
            DiskFull: it is a growing one, and what is left is kept for the others.
        """

    def give_up(self) -> bool:
        """Give up some ballast, since a write found no room; return whether there was any."""

    def restore(self) -> bool:
        """Hold ballast again, as far as recordings are still taken; return whether all is held."""


class AudioPart(Protocol):
    """A recording on its way to disk; belongs to one request, not thread-safe."""

    def write(self, chunk: bytes) -> None:
        """Append bytes. Raises TooLarge beyond the limit for a recording, DiskFull."""

    def content(self) -> bytes:
        """Return what was written so far."""

    def sha256(self) -> Sha256:
        """Return the digest of what was written so far."""

    def keep(self) -> Sha256:
        """Make it durable under its SHA-256 and return that: fsync, rename, fsync directory.

        Content that is here already is replaced by itself, which also heals a damaged file.
        """

    def discard(self) -> None:
        """Remove it; a no-op after keep."""


class AudioStore(Protocol):
    """Recordings' bytes as received, addressed by their SHA-256."""

    def begin(self, *, max_bytes: int = MAX_BYTES) -> AudioPart:
        """Open a part file in the final directory. Raises DiskFull below the reserve.

        Args:
            max_bytes: the most it may hold; by default that of the largest recording.
        """

    def read(self, sha256: Sha256) -> bytes:
        """Return the bytes. Raises AudioMissing, AudioDamaged (the hash is checked)."""

    def settling(self) -> AbstractContextManager[None]:
        """Hold off every `erase`, of other processes too: from `keep` to the row that names it."""

    def erase(self, sha256: Sha256, *, unless: Callable[[], bool]) -> None:
        """Remove the file and fsync the directory; absent is no error.

        Args:
            sha256: the content.
            unless: whether the content is needed after all, asked while nothing is settling.
        """

    def hashes(self, *, older_than_s: float = -math.inf) -> Iterator[Sha256]:
        """Yield what was stored at least so long ago (all, if not told), in no order.

        All means also what lies in the future of a clock that went back.
        """

    def sweep(self, *, older_than_s: float) -> int:
        """Remove part files left behind by a crash at least so long ago; return how many.

        One that is being written is not touched, however old a clock that was set makes it look.
        """


class PasswordHasher(Protocol):
    """Slow on purpose; at most two at a time."""

    def hash(self, password: str) -> str:
        """Return the encoded hash of a password in NFC."""

    def verify(self, encoded: str | None, password: str) -> bool:
        """Compare; with None, spend the same time and return False (unknown user)."""


class BundleStore(Protocol):
    """Bundles on disk: staged, checked, installed whole, found again by digest.

    What is installed never changes; before that, everything happens in staging.
    """

    def stage(
        self, source: Path, *, trusted: Sequence[TrustedKey], never_to_model: Collection[str]
    ) -> StagedBundle:
        """Copy a bundle and check it whole, in the order of BUNDLE.md; a refusal leaves nothing.

        Raises:
            FileMissing: the source cannot be read, or stopped being readable.
            BundleUntrusted, BundleRefused, GraphRefused.
        """

    def staged_contents(self, staged: StagedBundle) -> BundleContents:
        """Return what it holds, every hash checked. Raises ModelUnavailable."""

    def install(self, staged: StagedBundle) -> None:
        """Make it durable under its digest: whole or not at all, again or for the first time.

        A damaged bundle of that digest is replaced. Raises ModelUnavailable if it is not
        staged any more.
        """

    def discard(self, staged: StagedBundle) -> None:
        """Remove it from staging; a no-op after install."""

    def contents(self, digest: str) -> BundleContents:
        """Return what an installed bundle holds, every hash checked. Raises ModelUnavailable."""

    def is_signed(self, digest: str, trusted: Sequence[TrustedKey]) -> bool:
        """Return whether an installed bundle still carries a signature by one of these keys.

        Raises:
            ModelUnavailable: manifest or signature cannot be read.
        """

    def graph(self, digest: str) -> bytes:
        """Return the graph of an installed bundle, hash checked. Raises ModelUnavailable."""

    def card(self, digest: str) -> str:
        """Return the model card of an installed bundle, hash checked. Raises ModelUnavailable."""

    def installed(self, *, older_than_s: float = -math.inf) -> frozenset[str]:
        """Return the digests of the bundles installed at least so long ago, whole or not.

        Installing a bundle again makes it young.
        """

    def one_at_a_time(self) -> AbstractContextManager[None]:
        """Keep every other thread and process waiting that asks for this.

        Held while files and rows of a bundle change together: else one process could bring a
        version back between the two steps of another that takes it away. Not reentrant; whoever
        holds it and dies gives it back.
        """

    def remove(self, digest: str, *, older_than_s: float = -math.inf) -> None:
        """Remove a bundle installed at least so long ago; one that is not here is no error."""

    def n_left_behind(self, *, older_than_s: float) -> int:
        """Return how many bundles crashes left in staging."""

    def sweep(self, *, older_than_s: float) -> int:
        """Remove what crashes left in staging; return how many bundles that were."""


class Predictor(Protocol):
    """Sessions of graphs, each loaded once and shared by all threads."""

    def runtime_version(self) -> str:
        """Return the version of ONNX Runtime, for the manifest's range."""

    def ensure_loaded(self, graph_sha256: str, graph: Callable[[], bytes]) -> None:
        """Load and warm up the graph unless it is loaded. Raises GraphRefused, ModelUnavailable.

        Args:
            graph_sha256: its digest and key.
            graph: called for the bytes only when they are needed.
        """

    def unload(self, graph_sha256: str) -> None:
        """Forget the session; a run that uses it ends first. Unknown graphs are no error."""

    def loaded(self) -> frozenset[str]:
        """Return the digests of the graphs that have a session."""

    def score(
        self, graph_sha256: str, inputs: Mapping[str, NDArray[np.float32]], *, timeout_s: float
    ) -> Scores:
        """Run a loaded graph. Raises PredictionFailed, PredictionTimeout, ModelUnavailable.

        Args:
            graph_sha256: a loaded graph.
            inputs: float32[1, n_samples] a role, and float32[1, n_fields] for metadata.
            timeout_s: the run is ended after this.
        """


class JobQueue(Protocol):
    """Wakes workers; loses jobs whenever it likes, since JobRecords is the truth."""

    def wake(self, result_id: ResultId) -> None:
        """Tell a worker, in this process or another, to look at this result. Never raises."""

    def start(self, work: Callable[[ResultId], None], n_workers: int) -> None:
        """Let so many threads call `work`, which must not raise, for ids as they come.

        Only one process may do so at a time. Never raises.
        """

    def stop(self, timeout_s: float) -> bool:
        """Let each thread finish the id it has; return whether all ended in time."""

"""Accounts and hospitals in memory."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from appliance.core.account import Credentials, Role, Token, User
from appliance.core.audit import AuditEntry
from appliance.core.errors import (
    EmailTaken,
    HospitalNotFound,
    NameTaken,
    UsernameTaken,
    UserNotFound,
    WrongCredentials,
)
from appliance.core.hospital import Hospital
from appliance.core.ids import HospitalId, Sha256, TokenId, UserId
from appliance.core.refresh import Refresh
from appliance.core.throttle import (
    Budget,
    Failures,
    after_admission,
    after_success,
    throttle_keys,
    wait_s,
)
from tests.fakes_audit import FakeAudit


def folded(name: str) -> str:
    """Return the form under which names are equal without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class FakeAccounts:
    """Users, tokens and counts of failures in memory."""

    def __init__(self, audit: FakeAudit, hospitals: FakeHospitals) -> None:
        """Begin without users."""
        self._audit = audit
        self._hospitals = hospitals
        self._credentials: dict[UserId, Credentials] = {}
        self._tokens: dict[TokenId, Token] = {}
        self._ended: set[str] = set()
        self._refreshes: dict[Sha256, Refresh] = {}
        self._failures: dict[str, Failures] = {}

    def add_user(self, user: User, password_hash: str, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._audit.write(audit):
            others = self.users()
            if folded(user.username) in {folded(other.username) for other in others}:
                raise UsernameTaken
            if folded(user.email) in {folded(other.email) for other in others}:
                raise EmailTaken
            self._check_hospitals(user.hospital_ids)
            self._credentials[user.id] = Credentials(user=user, password_hash=password_hash)

    def user(self, user_id: UserId) -> User:
        """See the port."""
        if user_id not in self._credentials:
            raise UserNotFound(user_id=user_id)
        return self._credentials[user_id].user

    def users(self) -> tuple[User, ...]:
        """See the port."""
        known = [credentials.user for credentials in self._credentials.values()]
        return tuple(sorted(known, key=lambda user: folded(user.username)))

    def credentials(self, username: str) -> Credentials | None:
        """See the port."""
        for known in self._credentials.values():
            if folded(known.user.username) == folded(username):
                return known
        return None

    def change_user(
        self,
        user_id: UserId,
        *,
        role: Role | None = None,
        active: bool | None = None,
        hospital_ids: Sequence[HospitalId] | None = None,
        audit: AuditEntry,
    ) -> User:
        """See the port."""
        before = self.user(user_id)
        after = replace(
            before,
            role=role or before.role,
            active=before.active if active is None else active,
            hospital_ids=before.hospital_ids if hospital_ids is None else tuple(hospital_ids),
        )
        self._check_hospitals(after.hospital_ids)
        with self._audit.write(audit if after != before or hospital_ids is not None else None):
            self._credentials[user_id] = replace(self._credentials[user_id], user=after)
            if (before.role, before.active) != (after.role, after.active):
                self._end_tokens(user_id)
        return after

    def set_password(self, user_id: UserId, password_hash: str, *, audit: AuditEntry) -> None:
        """See the port."""
        user = self.user(user_id)
        with self._audit.write(audit):
            self._credentials[user_id] = Credentials(user=user, password_hash=password_hash)
            self._end_tokens(user_id)
            self._failures.pop(throttle_keys(user.username, "")[Budget.ACCOUNT], None)

    def add_token(self, token: Token, *, password_hash: str, audit: AuditEntry) -> None:
        """See the port."""
        user = self.user(token.user_id)
        with self._audit.write(audit):
            if not user.active or self._credentials[user.id].password_hash != password_hash:
                raise WrongCredentials
            oldest = token.issued_at - timedelta(days=1)
            self._tokens = {k: t for k, t in self._tokens.items() if t.expires_at >= oldest}
            self._tokens[token.id] = token

    def token_user(self, token_id: TokenId, *, now: datetime) -> User | None:
        """See the port."""
        token = self._tokens.get(token_id)
        if token is None or token.family in self._ended or now >= token.expires_at:
            return None
        user = self.user(token.user_id)
        return user if user.active else None

    def end_tokens(self, ids: Collection[TokenId]) -> None:
        """See the port."""
        ended = [i for i in ids if i in self._tokens and self._tokens[i].family not in self._ended]
        if ended:
            with self._audit.write(None):
                for token_id in ended:
                    del self._tokens[token_id]

    def revoke_token(self, token_id: TokenId, *, audit: AuditEntry) -> None:
        """See the port."""
        token = self._tokens.get(token_id)
        alive = token is not None and token.family not in self._ended
        with self._audit.write(audit if alive else None):
            if token is not None:
                self._ended.add(token.family)

    def end_family(self, family: str, *, audit: AuditEntry) -> None:
        """See the port."""
        families = {one.family for one in self._held()}
        alive = family in families - self._ended
        with self._audit.write(audit if alive else None):
            self._ended.add(family)

    def begin(self, first: Refresh) -> None:
        """See RefreshRecords."""
        with self._audit.write(None):
            self._refreshes = {
                key: one for key, one in self._refreshes.items() if one.ends_at >= first.issued_at
            }
            self._refreshes[first.digest] = first

    def refresh(self, digest: Sha256) -> tuple[Refresh, bool] | None:
        """See RefreshRecords."""
        found = self._refreshes.get(digest)
        if found is None or found.family in self._ended:
            return None
        used = any(
            one.parent == digest and one.used_at is not None for one in self._refreshes.values()
        )
        return found, used

    def rotate(self, successor: Refresh, token: Token) -> bool:
        """See RefreshRecords."""
        with self._audit.lock:
            parent = self._refreshes.get(successor.parent or Sha256(""))
            if parent is None or parent.family in self._ended:
                return False
            if not self.user(parent.user_id).active:
                return False
            with self._audit.write(None):
                if parent.used_at is None:
                    used = replace(parent, used_at=successor.issued_at)
                    self._refreshes[parent.digest] = used
                self._refreshes[successor.digest] = successor
                self._tokens[token.id] = token
            return True

    def admit(self, keys: Mapping[Budget, str], *, at: datetime) -> float:
        """See the port."""
        with self._audit.write(None):
            failures = self._counted(keys)
            remaining_s = wait_s(failures, now=at)
            if remaining_s <= 0.0:
                self._count(keys, after_admission(failures, keys, at=at))
            return remaining_s

    def is_known(self, keys: Mapping[Budget, str]) -> bool:
        """See the port."""
        pair = self._counted(keys).get(Budget.PAIR)
        return pair is not None and pair.known

    def count_success(self, keys: Mapping[Budget, str], *, at: datetime) -> None:
        """See the port."""
        with self._audit.write(None):
            self._count(keys, after_success(self._counted(keys), keys, at=at))

    def _check_hospitals(self, hospital_ids: Sequence[HospitalId]) -> None:
        known = {hospital.id for hospital in self._hospitals.hospitals()}
        for hospital_id in hospital_ids:
            if hospital_id not in known:
                raise HospitalNotFound(hospital_id=hospital_id)

    def _end_tokens(self, user_id: UserId) -> None:
        self._ended |= {one.family for one in self._held() if one.user_id == user_id}

    def _held(self) -> list[Token | Refresh]:
        return [*self._tokens.values(), *self._refreshes.values()]

    def _counted(self, keys: Mapping[Budget, str]) -> Mapping[Budget, Failures]:
        return {b: self._failures[key] for b, key in keys.items() if key in self._failures}

    def _count(self, keys: Mapping[Budget, str], counts: Mapping[Budget, Failures]) -> None:
        self._failures |= {keys[budget]: counted for budget, counted in counts.items()}


class FakeHospitals:
    """The list of hospitals in memory."""

    def __init__(self, audit: FakeAudit) -> None:
        """Begin with an empty list."""
        self._audit = audit
        self._hospitals: dict[HospitalId, Hospital] = {}

    def add_hospital(self, hospital: Hospital, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._audit.write(audit):
            self._store(hospital)

    def hospitals(self) -> tuple[Hospital, ...]:
        """See the port."""
        return tuple(sorted(self._hospitals.values(), key=lambda found: folded(found.name)))

    def change_hospital(self, hospital: Hospital, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._audit.write(audit):
            if hospital.id not in self._hospitals:
                raise HospitalNotFound(hospital_id=hospital.id)
            known = self._hospitals[hospital.id]
            former = known.renamed(hospital.name).former_names
            self._store(replace(hospital, created_at=known.created_at, former_names=former))

    def _store(self, hospital: Hospital) -> None:
        others = (other for other in self._hospitals.values() if other.id != hospital.id)
        if folded(hospital.name) in {folded(name) for other in others for name in other.names}:
            raise NameTaken
        self._hospitals[hospital.id] = hospital

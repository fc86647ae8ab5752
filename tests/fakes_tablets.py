"""Enrolled tablets in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from appliance.core.audit import AuditEntry
from appliance.core.errors import NameTaken, TabletNotFound
from appliance.core.ids import Sha256, TabletId
from appliance.core.names import folded
from appliance.core.tablet import Standing, Tablet
from tests.fakes_audit import FakeAudit


class FakeTablets:
    """Tablets in memory."""

    def __init__(self, audit: FakeAudit) -> None:
        """Begin without tablets."""
        self._audit = audit
        self._tablets: dict[TabletId, Tablet] = {}
        self._codes: dict[Sha256, TabletId] = {}
        self._secrets: dict[TabletId, Sha256] = {}

    def add_tablet(self, tablet: Tablet, *, code: Sha256, audit: AuditEntry) -> None:
        """See the port."""
        names = {folded(one.name) for one in self._tablets.values() if not one.revoked}
        if folded(tablet.name) in names:
            raise NameTaken
        with self._audit.write(audit):
            self._tablets[tablet.id] = tablet
            self._codes[code] = tablet.id

    def awaited(self, code: Sha256, *, now: datetime) -> Tablet | None:
        """See the port."""
        found = self._tablets.get(self._codes.get(code, TabletId("")))
        if found is None or found.code_ends_at is None or found.code_ends_at <= now:
            return None
        return found

    def enrol(
        self, tablet_id: TabletId, *, code: Sha256, secret: Sha256, at: datetime, audit: AuditEntry
    ) -> bool:
        """See the port."""
        found = self.awaited(code, now=at)
        if found is None or found.id != tablet_id:
            return False
        with self._audit.write(audit):
            self._tablets[tablet_id] = replace(found, enrolled_at=at)
            self._secrets[tablet_id] = secret
        return True

    def tablet_with(self, secret: Sha256) -> Tablet | None:
        """See the port."""
        holders = [key for key, shown in self._secrets.items() if shown == secret]
        return self._tablets[holders[0]] if holders else None

    def stands(self, tablet_id: TabletId, standing: Standing) -> None:
        """See the port."""
        found = self._tablets.get(tablet_id)
        if found is not None and not found.revoked:
            with self._audit.write(None):
                self._tablets[tablet_id] = replace(found, standing=standing, code_ends_at=None)

    def tablets(self) -> tuple[Tablet, ...]:
        """See the port."""
        return tuple(
            sorted(self._tablets.values(), key=lambda one: (folded(one.name), one.created_at))
        )

    def revoke_tablet(self, tablet_id: TabletId, *, audit: AuditEntry) -> None:
        """See the port."""
        if tablet_id not in self._tablets:
            raise TabletNotFound
        found = self._tablets[tablet_id]
        with self._audit.write(None if found.revoked else audit):
            self._tablets[tablet_id] = replace(found, revoked=True, code_ends_at=None)
            self._secrets.pop(tablet_id, None)

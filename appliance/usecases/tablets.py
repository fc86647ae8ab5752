"""Tablets with credentials of their own: awaited, enrolled, revoked."""

from __future__ import annotations

from appliance.core.audit import AuditAction, audited
from appliance.core.errors import EnrolmentRefused
from appliance.core.ids import TabletId
from appliance.core.names import checked_name
from appliance.core.refresh import digest_of
from appliance.core.tablet import (
    CODE_LASTS,
    MAX_NAME_CHARACTERS,
    Tablet,
    code_of,
    digest_of_code,
)
from appliance.ports import Clock, NewId, NewSecret, TabletRecords


def await_tablet(
    name: str,
    *,
    actor: str,
    clock: Clock,
    new_id: NewId,
    new_secret: NewSecret,
    tablets: TabletRecords,
) -> tuple[Tablet, str]:
    """Await a tablet; return it with the code that enrols it, which is stored nowhere.

    Args:
        name: as IT will know it; it names no person.
        actor: who does it.

    Raises:
        InvalidRequest: the name is empty or too long.
        NameTaken.
    """
    name = checked_name(name, what="The name", field="name", max_characters=MAX_NAME_CHARACTERS)
    code = code_of(new_secret())
    now = clock()
    tablet = Tablet(id=TabletId(new_id()), name=name, created_at=now, code_ends_at=now + CODE_LASTS)
    audit = audited(AuditAction.TABLET_ADDED, tablet.id, at=now, actor=actor)
    tablets.add_tablet(tablet, code=digest_of_code(code), audit=audit)
    return tablet, code


def enrol(
    typed: str, *, clock: Clock, new_secret: NewSecret, tablets: TabletRecords
) -> tuple[Tablet, str]:
    """Return the tablet a code is for, and the secret that it shows from now on.

    May be called again with the same code until the tablet is heard of: answers get lost.

    Raises:
        EnrolmentRefused.
    """
    now = clock()
    code = digest_of_code(typed)
    tablet = tablets.awaited(code, now=now)
    if tablet is None:
        raise EnrolmentRefused
    secret = new_secret()
    audit = audited(AuditAction.TABLET_ENROLLED, tablet.id, at=now, actor=tablet.id)
    if not tablets.enrol(tablet.id, code=code, secret=digest_of(secret), at=now, audit=audit):
        raise EnrolmentRefused
    return tablet, secret

"""Public keys whose signatures on bundles the box believes."""

from __future__ import annotations

from appliance.adapters.sqlite_records.database import Database
from appliance.adapters.sqlite_records.seals import all_checked
from appliance.core.audit import AuditEntry
from appliance.core.errors import ContentConflict, KeyNotFound, KeyRevoked
from appliance.core.signing_key import KeyScope, TrustedKey
from appliance.ports import Stored


class SqliteKeys:
    """Fills `appliance.ports.KeyRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep keys in this database."""
        self._database = database

    def add_key(self, key: TrustedKey, *, audit: AuditEntry) -> Stored:
        """See the port.

        Raises:
            KeyRevoked: it was trusted once and is no more.
            ContentConflict: it is trusted under another name or for something else.
        """
        with self._database.write(audit) as connection:
            known = connection.execute(
                "SELECT scope, name, revoked FROM trusted_keys WHERE fingerprint = ?",
                (key.fingerprint,),
            ).fetchone()
            if known is None:
                connection.execute(
                    "INSERT INTO trusted_keys (fingerprint, public_key, scope, name, revoked)"
                    " VALUES (?, ?, ?, ?, 0)",
                    (key.fingerprint, key.public_key, key.scope, key.name),
                )
                return Stored.NEW
            if known["revoked"]:
                raise KeyRevoked(fingerprint=key.fingerprint)
            if (known["scope"], known["name"]) != (key.scope, key.name):
                raise ContentConflict(fingerprint=key.fingerprint)
            return Stored.SAME

    def keys(self) -> tuple[TrustedKey, ...]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM trusted_keys NOT INDEXED ORDER BY name, fingerprint"
            ).fetchall()
        return tuple(
            TrustedKey(public_key=row["public_key"], scope=KeyScope(row["scope"]), name=row["name"])
            for row in all_checked("trusted_keys", rows)
            if not row["revoked"]
        )

    def revoke_key(self, fingerprint: str, *, audit: AuditEntry) -> None:
        """See the port; revoking it again changes nothing."""
        with self._database.write(audit) as connection:
            here = connection.execute(
                "SELECT 1 FROM trusted_keys WHERE fingerprint = ?", (fingerprint,)
            )
            if here.fetchone() is None:
                raise KeyNotFound(fingerprint=fingerprint)
            connection.execute(
                "UPDATE trusted_keys SET revoked = 1 WHERE fingerprint = ? AND revoked = 0",
                (fingerprint,),
            )

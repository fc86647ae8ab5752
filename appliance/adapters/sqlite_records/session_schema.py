"""Tables of the tablets: who stays signed in, and what was brought home sealed."""

from __future__ import annotations

REFRESHES = (
    """
    CREATE TABLE refreshes (
        digest TEXT PRIMARY KEY,
        parent TEXT,
        family TEXT NOT NULL,
        user_id TEXT NOT NULL REFERENCES users (id),
        issued_at TEXT NOT NULL,
        ends_at TEXT NOT NULL,
        used_at TEXT,
        row_sha256 TEXT NOT NULL DEFAULT ''
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX refreshes_parent ON refreshes (parent)",
    "CREATE INDEX refreshes_family ON refreshes (family)",
    "CREATE INDEX refreshes_user ON refreshes (user_id)",
    "CREATE INDEX refreshes_ends_at ON refreshes (ends_at)",
)

ENVELOPES = (
    """
    CREATE TABLE envelopes (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('recording', 'inference')),
        user_id TEXT NOT NULL REFERENCES users (id),
        sha256 TEXT NOT NULL,
        received_at TEXT NOT NULL,
        row_sha256 TEXT NOT NULL DEFAULT ''
    ) STRICT
    """,
    """
    CREATE TRIGGER envelopes_never_change
    BEFORE UPDATE OF seq, id, kind, user_id, sha256, received_at ON envelopes
    BEGIN SELECT RAISE(ABORT, 'what was received never changes'); END
    """,
    """
    CREATE TRIGGER envelopes_never_leave BEFORE DELETE ON envelopes
    BEGIN SELECT RAISE(ABORT, 'a number is given once'); END
    """,
)

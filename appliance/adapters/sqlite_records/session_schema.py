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

TABLETS = (
    """
    CREATE TABLE tablets (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        folded_name TEXT NOT NULL,
        created_at TEXT NOT NULL,
        code_sha256 TEXT,
        code_ends_at TEXT,
        secret_sha256 TEXT,
        enrolled_at TEXT,
        revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
        standing_at TEXT,
        app_version TEXT,
        n_waiting INTEGER,
        oldest_at TEXT,
        storage_pct REAL,
        highest_seq INTEGER,
        row_sha256 TEXT NOT NULL DEFAULT ''
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX tablets_name ON tablets (folded_name) WHERE revoked = 0",
    "CREATE UNIQUE INDEX tablets_code ON tablets (code_sha256)",
    "CREATE UNIQUE INDEX tablets_secret ON tablets (secret_sha256)",
    """
    CREATE TRIGGER tablets_stay_revoked
    BEFORE UPDATE OF id, name, folded_name, created_at, code_sha256, code_ends_at, secret_sha256,
        enrolled_at, revoked ON tablets
    WHEN OLD.revoked = 1
    BEGIN SELECT RAISE(ABORT, 'a revoked tablet never comes back'); END
    """,
    """
    CREATE TRIGGER tablets_never_leave BEFORE DELETE ON tablets
    BEGIN SELECT RAISE(ABORT, 'audit rows name tablets'); END
    """,
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

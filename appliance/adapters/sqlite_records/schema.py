"""The tables of the first release: who works here, and what was installed.

Ids and instants are TEXT (instants in UTC with microseconds, so that their order is that of
time), truth is 0 or 1, documents are JSON as TEXT. No function is called in CHECK, index or
generated column: `trusted_schema=OFF` would refuse it. In tables WITHOUT ROWID the columns of the
key come first: `integrity_check` of SQLite 3.40 finds faults that are none otherwise.
"""

from __future__ import annotations

ACCOUNTS = (
    """
    CREATE TABLE hospitals (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        folded_name TEXT NOT NULL UNIQUE,
        rgh_rule TEXT,
        created_at TEXT NOT NULL
    ) STRICT
    """,
    # Inferences of tablets that were away still name them.
    """
    CREATE TABLE hospital_former_names (
        seq INTEGER PRIMARY KEY,
        hospital_id TEXT NOT NULL REFERENCES hospitals (id),
        name TEXT NOT NULL,
        folded_name TEXT NOT NULL,
        UNIQUE (hospital_id, name)
    ) STRICT
    """,
    "CREATE INDEX hospital_former_names_folded ON hospital_former_names (folded_name)",
    """
    CREATE TRIGGER hospital_former_names_never_change BEFORE UPDATE ON hospital_former_names
    BEGIN SELECT RAISE(ABORT, 'a former name never changes'); END
    """,
    """
    CREATE TRIGGER hospital_former_names_never_leave BEFORE DELETE ON hospital_former_names
    BEGIN SELECT RAISE(ABORT, 'a former name never leaves'); END
    """,
    """
    CREATE TABLE users (
        id TEXT PRIMARY KEY,
        username TEXT NOT NULL,
        folded_username TEXT NOT NULL UNIQUE,
        email TEXT NOT NULL,
        folded_email TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL CHECK (role IN ('nurse', 'researcher', 'admin')),
        active INTEGER NOT NULL CHECK (active IN (0, 1)),
        password_hash TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE user_hospitals (
        user_id TEXT NOT NULL REFERENCES users (id),
        hospital_id TEXT NOT NULL REFERENCES hospitals (id),
        position INTEGER NOT NULL,
        PRIMARY KEY (user_id, hospital_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX user_hospitals_hospital ON user_hospitals (hospital_id)",
    """
    CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        family TEXT NOT NULL,
        user_id TEXT NOT NULL REFERENCES users (id),
        issued_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX tokens_family ON tokens (family)",
    "CREATE INDEX tokens_user ON tokens (user_id)",
    "CREATE INDEX tokens_expires_at ON tokens (expires_at)",
    """
    CREATE TABLE sign_in_failures (
        key TEXT PRIMARY KEY,
        budget TEXT NOT NULL CHECK (budget IN ('pair', 'address', 'account')),
        n_failures INTEGER NOT NULL CHECK (n_failures >= 0),
        last_at TEXT NOT NULL,
        known INTEGER NOT NULL CHECK (known IN (0, 1))
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE INDEX sign_in_failures_forgettable ON sign_in_failures (last_at)
    WHERE known = 0
    """,
)

INSTALLED = (
    """
    CREATE TABLE protocols (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        sha256 TEXT NOT NULL,
        title TEXT NOT NULL,
        document BLOB NOT NULL,
        active INTEGER NOT NULL CHECK (active IN (0, 1)),
        installed_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX protocols_one_active ON protocols (active) WHERE active = 1",
    """
    CREATE TRIGGER protocols_never_change
    BEFORE UPDATE OF id, sha256, title, document, installed_at ON protocols
    BEGIN SELECT RAISE(ABORT, 'installed protocols never change'); END
    """,
    """
    CREATE TRIGGER protocols_never_leave BEFORE DELETE ON protocols
    BEGIN SELECT RAISE(ABORT, 'installed protocols never leave'); END
    """,
    """
    CREATE TABLE models (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        publishing_channel TEXT NOT NULL UNIQUE,
        is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
        created_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX models_one_default ON models (is_default) WHERE is_default = 1",
    """
    CREATE TABLE model_versions (
        id TEXT PRIMARY KEY,
        model_id TEXT NOT NULL REFERENCES models (id),
        version TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        digest TEXT NOT NULL,
        graph_sha256 TEXT NOT NULL,
        manifest BLOB NOT NULL,
        key_fingerprint TEXT NOT NULL,
        demonstration INTEGER NOT NULL CHECK (demonstration IN (0, 1)),
        t_low REAL NOT NULL,
        t_high REAL NOT NULL CHECK (t_low <= t_high),
        state TEXT NOT NULL CHECK (state IN ('installed', 'active', 'shadow', 'removed')),
        installed_at TEXT NOT NULL,
        UNIQUE (model_id, version),
        UNIQUE (model_id, sequence),
        UNIQUE (id, model_id)
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX model_versions_one_active ON model_versions (model_id)
    WHERE state = 'active'
    """,
    """
    CREATE TRIGGER model_versions_never_change
    BEFORE UPDATE OF id, model_id, version, sequence, digest, graph_sha256, manifest,
        demonstration, t_low, t_high ON model_versions
    BEGIN SELECT RAISE(ABORT, 'model versions never change'); END
    """,
    """
    CREATE TRIGGER model_versions_never_leave BEFORE DELETE ON model_versions
    BEGIN SELECT RAISE(ABORT, 'model versions never leave'); END
    """,
    """
    CREATE TABLE activations (
        seq INTEGER PRIMARY KEY,
        model_id TEXT NOT NULL,
        model_version_id TEXT NOT NULL,
        at TEXT NOT NULL,
        FOREIGN KEY (model_version_id, model_id) REFERENCES model_versions (id, model_id)
    ) STRICT
    """,
    "CREATE INDEX activations_model ON activations (model_id, seq)",
    """
    CREATE TABLE trusted_keys (
        fingerprint TEXT PRIMARY KEY,
        public_key BLOB NOT NULL,
        scope TEXT NOT NULL CHECK (scope IN ('clinical', 'demonstration')),
        name TEXT NOT NULL,
        revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
    ) STRICT
    """,
    """
    CREATE TRIGGER trusted_keys_stay_revoked BEFORE UPDATE ON trusted_keys
    WHEN OLD.revoked = 1
    BEGIN SELECT RAISE(ABORT, 'a revoked key never comes back'); END
    """,
    """
    CREATE TRIGGER trusted_keys_never_leave BEFORE DELETE ON trusted_keys
    BEGIN SELECT RAISE(ABORT, 'a revoked key is remembered'); END
    """,
)

AUDIT = (
    """
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        entity TEXT NOT NULL,
        entity_id TEXT NOT NULL,
        details TEXT NOT NULL,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit rows never change'); END
    """,
    """
    CREATE TRIGGER audit_never_leaves BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit rows never leave'); END
    """,
)

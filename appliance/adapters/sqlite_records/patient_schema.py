"""The tables of the first release: what is known of patients, and what was computed of it.

Columns that lists sort by are never NULL ('' stands for absent): then a page begins with one
comparison of row values, which the composite indexes answer.
"""

from __future__ import annotations

RECORDINGS = (
    """
    CREATE TABLE recordings (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        user_id TEXT NOT NULL REFERENCES users (id),
        role TEXT NOT NULL,
        protocol_id TEXT NOT NULL REFERENCES protocols (id),
        sha256 TEXT NOT NULL,
        n_bytes INTEGER NOT NULL CHECK (n_bytes >= 0),
        measures TEXT NOT NULL,
        received_at TEXT NOT NULL
    ) STRICT
    """,
    # Not unique: the same sound may come under several ids.
    "CREATE INDEX recordings_sha256 ON recordings (sha256)",
    "CREATE INDEX recordings_received ON recordings (received_at, seq)",
    """
    CREATE TRIGGER recordings_never_change BEFORE UPDATE ON recordings
    BEGIN SELECT RAISE(ABORT, 'recordings never change'); END
    """,
)

INFERENCES = (
    """
    CREATE TABLE inferences (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        user_id TEXT NOT NULL REFERENCES users (id),
        purpose TEXT NOT NULL CHECK (purpose IN ('inference', 'collection')),
        status TEXT NOT NULL CHECK (status IN ('processing', 'completed', 'error')),
        protocol_id TEXT NOT NULL REFERENCES protocols (id),
        protocol_sha256 TEXT NOT NULL,
        model_id TEXT REFERENCES models (id),
        model_name TEXT NOT NULL,
        hospital_id TEXT REFERENCES hospitals (id),
        form TEXT NOT NULL,
        local TEXT NOT NULL,
        rgh TEXT NOT NULL,
        sample_type TEXT NOT NULL,
        rgh_check TEXT NOT NULL CHECK (rgh_check IN ('ok', 'failed', 'none')),
        rgh_override TEXT,
        identity_check TEXT,
        stopped_early INTEGER NOT NULL CHECK (stopped_early IN (0, 1)),
        captured_at TEXT NOT NULL,
        received_at TEXT NOT NULL,
        clock_offset_s REAL,
        tablet_id TEXT,
        app_version TEXT,
        content_sha256 TEXT NOT NULL,
        diagnosis TEXT NOT NULL
            CHECK (diagnosis IN ('', 'positive', 'negative', 'inconclusive')),
        reason TEXT,
        first_shown_at TEXT
    ) STRICT
    """,
    *(
        f"CREATE INDEX inferences_{owner}_{column} ON inferences ({owner}_id, {column}, id)"
        for owner in ("user", "hospital")
        for column in ("captured_at", "local", "rgh", "model_name", "status", "diagnosis")
    ),
    "CREATE INDEX inferences_hospital_received_at ON inferences (hospital_id, received_at)",
    "CREATE INDEX inferences_captured_at ON inferences (captured_at, id)",
    """
    CREATE TRIGGER inferences_never_change
    BEFORE UPDATE OF seq, id, user_id, purpose, protocol_id, protocol_sha256, model_id,
        model_name, hospital_id, form, local, rgh, sample_type, rgh_check, rgh_override,
        identity_check, stopped_early, captured_at, received_at, clock_offset_s, tablet_id,
        app_version, content_sha256 ON inferences
    BEGIN SELECT RAISE(ABORT, 'what was received never changes'); END
    """,
    """
    CREATE TRIGGER inferences_shown_once BEFORE UPDATE OF first_shown_at ON inferences
    WHEN OLD.first_shown_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'the first opening happens once'); END
    """,
    """
    CREATE TRIGGER inferences_never_leave BEFORE DELETE ON inferences
    BEGIN SELECT RAISE(ABORT, 'inferences never leave'); END
    """,
    """
    CREATE TABLE consents (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        inference_id TEXT NOT NULL REFERENCES inferences (id),
        decision TEXT NOT NULL
            CHECK (decision IN ('accepted', 'refused', 'withdrawn', 'unverified')),
        given_by TEXT,
        relationship TEXT,
        form_signed TEXT,
        witness_present INTEGER CHECK (witness_present IN (0, 1)),
        assent TEXT,
        text_sha256 TEXT,
        language TEXT,
        purposes TEXT NOT NULL,
        taken_at TEXT NOT NULL,
        UNIQUE (inference_id, id, decision)
    ) STRICT
    """,
    """
    CREATE TRIGGER consents_never_change BEFORE UPDATE ON consents
    BEGIN SELECT RAISE(ABORT, 'consents never change'); END
    """,
    """
    CREATE TRIGGER consents_never_leave BEFORE DELETE ON consents
    BEGIN SELECT RAISE(ABORT, 'consents never leave'); END
    """,
    # No recording is attached without consent: the foreign key holds the decision, too.
    """
    CREATE TABLE attachments (
        inference_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        recording_id TEXT NOT NULL UNIQUE REFERENCES recordings (id),
        consent_id TEXT NOT NULL,
        consent_decision TEXT NOT NULL CHECK (consent_decision IN ('accepted', 'unverified')),
        role TEXT NOT NULL,
        take INTEGER NOT NULL,
        chosen INTEGER NOT NULL CHECK (chosen IN (0, 1)),
        speaker TEXT,
        started_at TEXT,
        stop_reason TEXT,
        prompt_sha256 TEXT,
        gaps INTEGER NOT NULL,
        capture TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('ok', 'warn', 'fail')),
        verdict_reasons TEXT NOT NULL,
        PRIMARY KEY (inference_id, position),
        FOREIGN KEY (inference_id, consent_id, consent_decision)
            REFERENCES consents (inference_id, id, decision)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER attachments_never_change BEFORE UPDATE ON attachments
    BEGIN SELECT RAISE(ABORT, 'attachments never change'); END
    """,
    # What a refusal named is never taken in again; NULL where nothing had arrived.
    """
    CREATE TABLE refused_recordings (
        recording_id TEXT NOT NULL,
        user_id TEXT NOT NULL REFERENCES users (id),
        inference_id TEXT NOT NULL REFERENCES inferences (id),
        sha256 TEXT,
        PRIMARY KEY (recording_id, user_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX refused_recordings_inference ON refused_recordings (inference_id)",
    """
    CREATE TRIGGER refused_recordings_never_change BEFORE UPDATE ON refused_recordings
    BEGIN SELECT RAISE(ABORT, 'a refusal never changes'); END
    """,
    """
    CREATE TRIGGER refused_recordings_never_leave BEFORE DELETE ON refused_recordings
    BEGIN SELECT RAISE(ABORT, 'a refusal is remembered'); END
    """,
    """
    CREATE TABLE not_done (
        inference_id TEXT NOT NULL REFERENCES inferences (id),
        role TEXT NOT NULL,
        position INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (inference_id, role)
    ) STRICT, WITHOUT ROWID
    """,
)

RESULTS = (
    """
    CREATE TABLE results (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        inference_id TEXT NOT NULL REFERENCES inferences (id),
        model_id TEXT NOT NULL REFERENCES models (id),
        model_version_id TEXT,
        shadow INTEGER NOT NULL CHECK (shadow IN (0, 1)),
        state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'error')),
        attempts INTEGER NOT NULL CHECK (attempts >= 0),
        suspect INTEGER NOT NULL DEFAULT 0 CHECK (suspect IN (0, 1)),
        crashes_alone INTEGER NOT NULL DEFAULT 0,
        owner TEXT,
        claimed_at TEXT,
        lease_until TEXT,
        output TEXT NOT NULL,
        probability REAL,
        diagnosis TEXT CHECK (diagnosis IN ('positive', 'negative', 'inconclusive')),
        reason TEXT,
        reason_subject TEXT,
        error_code TEXT,
        computed_at TEXT,
        latency_ms REAL,
        UNIQUE (inference_id, model_version_id),
        FOREIGN KEY (model_version_id, model_id) REFERENCES model_versions (id, model_id),
        CHECK ((state = 'running') = (owner IS NOT NULL)),
        CHECK ((state = 'running') = (lease_until IS NOT NULL)),
        CHECK ((state IN ('done', 'error')) = (diagnosis IS NOT NULL)),
        CHECK ((state = 'error') = (error_code IS NOT NULL)),
        CHECK (model_version_id IS NOT NULL OR state IN ('done', 'error'))
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX results_one_without_version ON results (inference_id, model_id)
    WHERE model_version_id IS NULL
    """,
    "CREATE INDEX results_state ON results (state, suspect, seq)",
    "CREATE INDEX results_version ON results (model_version_id, state)",
    """
    CREATE TRIGGER results_answered_once BEFORE UPDATE ON results
    WHEN OLD.state IN ('done', 'error')
    BEGIN SELECT RAISE(ABORT, 'a result is answered once'); END
    """,
    """
    CREATE TRIGGER results_never_leave BEFORE DELETE ON results
    BEGIN SELECT RAISE(ABORT, 'results never leave'); END
    """,
)

DISAGREEMENT = (
    "ALTER TABLE inferences ADD COLUMN disagreed_at TEXT",
    """
    CREATE TRIGGER inferences_disagreed_once BEFORE UPDATE OF disagreed_at ON inferences
    WHEN OLD.disagreed_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a disagreement is said once'); END
    """,
)

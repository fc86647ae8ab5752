CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE TABLE hospitals (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        folded_name TEXT NOT NULL UNIQUE,
        rgh_rule TEXT,
        created_at TEXT NOT NULL
    , row_sha256 TEXT NOT NULL DEFAULT '') STRICT
    ;
CREATE TABLE hospital_former_names (
        seq INTEGER PRIMARY KEY,
        hospital_id TEXT NOT NULL REFERENCES hospitals (id),
        name TEXT NOT NULL,
        folded_name TEXT NOT NULL, row_sha256 TEXT NOT NULL DEFAULT '',
        UNIQUE (hospital_id, name)
    ) STRICT
    ;
CREATE INDEX hospital_former_names_folded ON hospital_former_names (folded_name);
CREATE TRIGGER hospital_former_names_never_leave BEFORE DELETE ON hospital_former_names
    BEGIN SELECT RAISE(ABORT, 'a former name never leaves'); END;
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
    , row_sha256 TEXT NOT NULL DEFAULT '', n_hospitals INTEGER NOT NULL DEFAULT 0) STRICT
    ;
CREATE TABLE user_hospitals (
        user_id TEXT NOT NULL REFERENCES users (id),
        hospital_id TEXT NOT NULL REFERENCES hospitals (id),
        position INTEGER NOT NULL, row_sha256 TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (user_id, hospital_id)
    ) STRICT, WITHOUT ROWID
    ;
CREATE INDEX user_hospitals_hospital ON user_hospitals (hospital_id);
CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        family TEXT NOT NULL,
        user_id TEXT NOT NULL REFERENCES users (id),
        issued_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
    , row_sha256 TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID
    ;
CREATE INDEX tokens_family ON tokens (family);
CREATE INDEX tokens_user ON tokens (user_id);
CREATE INDEX tokens_expires_at ON tokens (expires_at);
CREATE TABLE sign_in_failures (
        key TEXT PRIMARY KEY,
        budget TEXT NOT NULL CHECK (budget IN ('pair', 'address', 'account')),
        n_failures INTEGER NOT NULL CHECK (n_failures >= 0),
        last_at TEXT NOT NULL,
        known INTEGER NOT NULL CHECK (known IN (0, 1))
    , row_sha256 TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID
    ;
CREATE INDEX sign_in_failures_forgettable ON sign_in_failures (last_at)
    WHERE known = 0
    ;
CREATE TABLE protocols (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        sha256 TEXT NOT NULL,
        title TEXT NOT NULL,
        document BLOB NOT NULL,
        active INTEGER NOT NULL CHECK (active IN (0, 1)),
        installed_at TEXT NOT NULL
    , row_sha256 TEXT NOT NULL DEFAULT '') STRICT
    ;
CREATE UNIQUE INDEX protocols_one_active ON protocols (active) WHERE active = 1;
CREATE TRIGGER protocols_never_change
    BEFORE UPDATE OF id, sha256, title, document, installed_at ON protocols
    BEGIN SELECT RAISE(ABORT, 'installed protocols never change'); END;
CREATE TRIGGER protocols_never_leave BEFORE DELETE ON protocols
    BEGIN SELECT RAISE(ABORT, 'installed protocols never leave'); END;
CREATE TABLE models (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        publishing_channel TEXT NOT NULL UNIQUE,
        is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
        created_at TEXT NOT NULL
    , row_sha256 TEXT NOT NULL DEFAULT '') STRICT
    ;
CREATE UNIQUE INDEX models_one_default ON models (is_default) WHERE is_default = 1;
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
        installed_at TEXT NOT NULL, row_sha256 TEXT NOT NULL DEFAULT '',
        UNIQUE (model_id, version),
        UNIQUE (model_id, sequence),
        UNIQUE (id, model_id)
    ) STRICT
    ;
CREATE UNIQUE INDEX model_versions_one_active ON model_versions (model_id)
    WHERE state = 'active'
    ;
CREATE TRIGGER model_versions_never_change
    BEFORE UPDATE OF id, model_id, version, sequence, digest, graph_sha256, manifest,
        demonstration, t_low, t_high ON model_versions
    BEGIN SELECT RAISE(ABORT, 'model versions never change'); END;
CREATE TRIGGER model_versions_never_leave BEFORE DELETE ON model_versions
    BEGIN SELECT RAISE(ABORT, 'model versions never leave'); END;
CREATE TABLE activations (
        seq INTEGER PRIMARY KEY,
        model_id TEXT NOT NULL,
        model_version_id TEXT NOT NULL,
        at TEXT NOT NULL, row_sha256 TEXT NOT NULL DEFAULT '',
        FOREIGN KEY (model_version_id, model_id) REFERENCES model_versions (id, model_id)
    ) STRICT
    ;
CREATE INDEX activations_model ON activations (model_id, seq);
CREATE TABLE trusted_keys (
        fingerprint TEXT PRIMARY KEY,
        public_key BLOB NOT NULL,
        scope TEXT NOT NULL CHECK (scope IN ('clinical', 'demonstration')),
        name TEXT NOT NULL,
        revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
    , row_sha256 TEXT NOT NULL DEFAULT '') STRICT
    ;
CREATE TRIGGER trusted_keys_never_leave BEFORE DELETE ON trusted_keys
    BEGIN SELECT RAISE(ABORT, 'a revoked key is remembered'); END;
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
    ;
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit rows never change'); END;
CREATE TRIGGER audit_never_leaves BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit rows never leave'); END;
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
    , row_sha256 TEXT NOT NULL DEFAULT '') STRICT
    ;
CREATE INDEX recordings_sha256 ON recordings (sha256);
CREATE INDEX recordings_received ON recordings (received_at, seq);
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
    , row_sha256 TEXT NOT NULL DEFAULT '', n_consents INTEGER NOT NULL DEFAULT 0, n_attachments INTEGER NOT NULL DEFAULT 0, n_not_done INTEGER NOT NULL DEFAULT 0, n_results INTEGER NOT NULL DEFAULT 0, disagreed_at TEXT) STRICT
    ;
CREATE INDEX inferences_user_captured_at ON inferences (user_id, captured_at, id);
CREATE INDEX inferences_user_local ON inferences (user_id, local, id);
CREATE INDEX inferences_user_rgh ON inferences (user_id, rgh, id);
CREATE INDEX inferences_user_model_name ON inferences (user_id, model_name, id);
CREATE INDEX inferences_user_status ON inferences (user_id, status, id);
CREATE INDEX inferences_user_diagnosis ON inferences (user_id, diagnosis, id);
CREATE INDEX inferences_hospital_captured_at ON inferences (hospital_id, captured_at, id);
CREATE INDEX inferences_hospital_local ON inferences (hospital_id, local, id);
CREATE INDEX inferences_hospital_rgh ON inferences (hospital_id, rgh, id);
CREATE INDEX inferences_hospital_model_name ON inferences (hospital_id, model_name, id);
CREATE INDEX inferences_hospital_status ON inferences (hospital_id, status, id);
CREATE INDEX inferences_hospital_diagnosis ON inferences (hospital_id, diagnosis, id);
CREATE INDEX inferences_hospital_received_at ON inferences (hospital_id, received_at);
CREATE INDEX inferences_captured_at ON inferences (captured_at, id);
CREATE TRIGGER inferences_never_change
    BEFORE UPDATE OF seq, id, user_id, purpose, protocol_id, protocol_sha256, model_id,
        model_name, hospital_id, form, local, rgh, sample_type, rgh_check, rgh_override,
        identity_check, stopped_early, captured_at, received_at, clock_offset_s, tablet_id,
        app_version, content_sha256 ON inferences
    BEGIN SELECT RAISE(ABORT, 'what was received never changes'); END;
CREATE TRIGGER inferences_shown_once BEFORE UPDATE OF first_shown_at ON inferences
    WHEN OLD.first_shown_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'the first opening happens once'); END;
CREATE TRIGGER inferences_never_leave BEFORE DELETE ON inferences
    BEGIN SELECT RAISE(ABORT, 'inferences never leave'); END;
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
        taken_at TEXT NOT NULL, row_sha256 TEXT NOT NULL DEFAULT '',
        UNIQUE (inference_id, id, decision)
    ) STRICT
    ;
CREATE TRIGGER consents_never_leave BEFORE DELETE ON consents
    BEGIN SELECT RAISE(ABORT, 'consents never leave'); END;
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
        verdict_reasons TEXT NOT NULL, row_sha256 TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (inference_id, position),
        FOREIGN KEY (inference_id, consent_id, consent_decision)
            REFERENCES consents (inference_id, id, decision)
    ) STRICT, WITHOUT ROWID
    ;
CREATE TABLE refused_recordings (
        recording_id TEXT NOT NULL,
        user_id TEXT NOT NULL REFERENCES users (id),
        inference_id TEXT NOT NULL REFERENCES inferences (id),
        sha256 TEXT, row_sha256 TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (recording_id, user_id)
    ) STRICT, WITHOUT ROWID
    ;
CREATE INDEX refused_recordings_inference ON refused_recordings (inference_id);
CREATE TRIGGER refused_recordings_never_leave BEFORE DELETE ON refused_recordings
    BEGIN SELECT RAISE(ABORT, 'a refusal is remembered'); END;
CREATE TABLE not_done (
        inference_id TEXT NOT NULL REFERENCES inferences (id),
        role TEXT NOT NULL,
        position INTEGER NOT NULL,
        reason TEXT NOT NULL, row_sha256 TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (inference_id, role)
    ) STRICT, WITHOUT ROWID
    ;
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
        latency_ms REAL, row_sha256 TEXT NOT NULL DEFAULT '',
        UNIQUE (inference_id, model_version_id),
        FOREIGN KEY (model_version_id, model_id) REFERENCES model_versions (id, model_id),
        CHECK ((state = 'running') = (owner IS NOT NULL)),
        CHECK ((state = 'running') = (lease_until IS NOT NULL)),
        CHECK ((state IN ('done', 'error')) = (diagnosis IS NOT NULL)),
        CHECK ((state = 'error') = (error_code IS NOT NULL)),
        CHECK (model_version_id IS NOT NULL OR state IN ('done', 'error'))
    ) STRICT
    ;
CREATE UNIQUE INDEX results_one_without_version ON results (inference_id, model_id)
    WHERE model_version_id IS NULL
    ;
CREATE INDEX results_state ON results (state, suspect, seq);
CREATE INDEX results_version ON results (model_version_id, state);
CREATE TRIGGER results_never_leave BEFORE DELETE ON results
    BEGIN SELECT RAISE(ABORT, 'results never leave'); END;
CREATE TRIGGER hospital_former_names_never_change
    BEFORE UPDATE OF seq, hospital_id, name, folded_name ON hospital_former_names
    BEGIN SELECT RAISE(ABORT, 'a former name never changes'); END;
CREATE TRIGGER trusted_keys_stay_revoked
    BEFORE UPDATE OF fingerprint, public_key, scope, name, revoked ON trusted_keys
    WHEN OLD.revoked = 1
    BEGIN SELECT RAISE(ABORT, 'a revoked key never comes back'); END;
CREATE TRIGGER recordings_never_change
    BEFORE UPDATE OF seq, id, user_id, role, protocol_id, sha256, n_bytes, measures, received_at
    ON recordings
    BEGIN SELECT RAISE(ABORT, 'recordings never change'); END;
CREATE TRIGGER consents_never_change
    BEFORE UPDATE OF seq, id, inference_id, decision, given_by, relationship, form_signed,
        witness_present, assent, text_sha256, language, purposes, taken_at ON consents
    BEGIN SELECT RAISE(ABORT, 'consents never change'); END;
CREATE TRIGGER attachments_never_change
    BEFORE UPDATE OF inference_id, position, recording_id, consent_id, consent_decision, role,
        take, chosen, speaker, started_at, stop_reason, prompt_sha256, gaps, capture, verdict,
        verdict_reasons ON attachments
    BEGIN SELECT RAISE(ABORT, 'attachments never change'); END;
CREATE TRIGGER refused_recordings_never_change
    BEFORE UPDATE OF recording_id, user_id, inference_id, sha256 ON refused_recordings
    BEGIN SELECT RAISE(ABORT, 'a refusal never changes'); END;
CREATE TRIGGER results_answered_once
    BEFORE UPDATE OF seq, id, inference_id, model_id, model_version_id, shadow, state, attempts,
        suspect, crashes_alone, owner, claimed_at, lease_until, output, probability, diagnosis,
        reason, reason_subject, error_code, computed_at, latency_ms ON results
    WHEN OLD.state IN ('done', 'error')
    BEGIN SELECT RAISE(ABORT, 'a result is answered once'); END;
CREATE TABLE audit_head (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        seq INTEGER NOT NULL,
        hash TEXT NOT NULL
    ) STRICT
    ;
CREATE TRIGGER audit_moves_its_head AFTER INSERT ON audit
    BEGIN UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash; END;
CREATE TRIGGER audit_head_never_leaves BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the head of the audit never leaves'); END;
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
    ;
CREATE INDEX refreshes_parent ON refreshes (parent);
CREATE INDEX refreshes_family ON refreshes (family);
CREATE INDEX refreshes_user ON refreshes (user_id);
CREATE INDEX refreshes_ends_at ON refreshes (ends_at);
CREATE TABLE envelopes (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('recording', 'inference')),
        user_id TEXT NOT NULL REFERENCES users (id),
        sha256 TEXT NOT NULL,
        received_at TEXT NOT NULL,
        row_sha256 TEXT NOT NULL DEFAULT ''
    ) STRICT
    ;
CREATE TRIGGER envelopes_never_change
    BEFORE UPDATE OF seq, id, kind, user_id, sha256, received_at ON envelopes
    BEGIN SELECT RAISE(ABORT, 'what was received never changes'); END;
CREATE TRIGGER envelopes_never_leave BEFORE DELETE ON envelopes
    BEGIN SELECT RAISE(ABORT, 'a number is given once'); END;
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
    ;
CREATE UNIQUE INDEX tablets_name ON tablets (folded_name) WHERE revoked = 0;
CREATE UNIQUE INDEX tablets_code ON tablets (code_sha256);
CREATE UNIQUE INDEX tablets_secret ON tablets (secret_sha256);
CREATE TRIGGER tablets_stay_revoked
    BEFORE UPDATE OF id, name, folded_name, created_at, code_sha256, code_ends_at, secret_sha256,
        enrolled_at, revoked ON tablets
    WHEN OLD.revoked = 1
    BEGIN SELECT RAISE(ABORT, 'a revoked tablet never comes back'); END;
CREATE TRIGGER tablets_never_leave BEFORE DELETE ON tablets
    BEGIN SELECT RAISE(ABORT, 'audit rows name tablets'); END;
CREATE TRIGGER inferences_disagreed_once BEFORE UPDATE OF disagreed_at ON inferences
    WHEN OLD.disagreed_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a disagreement is said once'); END;
CREATE TRIGGER inferences_parts_never_change
    BEFORE UPDATE OF n_attachments, n_not_done ON inferences
    BEGIN SELECT RAISE(ABORT, 'what was received never changes'); END;
CREATE TRIGGER inferences_results_only_rise BEFORE UPDATE OF n_results ON inferences
    WHEN NEW.n_results <> OLD.n_results + 1
    BEGIN SELECT RAISE(ABORT, 'results are only added'); END;

"""What came after the first tables: seals on rows, counts of what belongs together, the head.

Triggers that said "never changes" of a whole row say it of its columns now: the seal is written
after the row.
"""

from __future__ import annotations

from appliance.adapters.sqlite_records.seals import COUNTS, SEAL, SEALED_AT_FIRST

SEALS = (
    *(
        f"ALTER TABLE {table} ADD COLUMN {SEAL} TEXT NOT NULL DEFAULT ''"
        for table in SEALED_AT_FIRST
    ),
    *(
        f"ALTER TABLE {owner} ADD COLUMN {count} INTEGER NOT NULL DEFAULT 0"
        for owner, _key, count, _part in COUNTS
    ),
    *(
        f"UPDATE {owner} SET {count} ="  # noqa: S608 - the names above
        f" (SELECT count(*) FROM {part} WHERE {key} = {owner}.id)"
        for owner, key, count, part in COUNTS
    ),
    "DROP TRIGGER hospital_former_names_never_change",
    """
    CREATE TRIGGER hospital_former_names_never_change
    BEFORE UPDATE OF seq, hospital_id, name, folded_name ON hospital_former_names
    BEGIN SELECT RAISE(ABORT, 'a former name never changes'); END
    """,
    "DROP TRIGGER trusted_keys_stay_revoked",
    """
    CREATE TRIGGER trusted_keys_stay_revoked
    BEFORE UPDATE OF fingerprint, public_key, scope, name, revoked ON trusted_keys
    WHEN OLD.revoked = 1
    BEGIN SELECT RAISE(ABORT, 'a revoked key never comes back'); END
    """,
    "DROP TRIGGER recordings_never_change",
    """
    CREATE TRIGGER recordings_never_change
    BEFORE UPDATE OF seq, id, user_id, role, protocol_id, sha256, n_bytes, measures, received_at
    ON recordings
    BEGIN SELECT RAISE(ABORT, 'recordings never change'); END
    """,
    """
    CREATE TRIGGER inferences_parts_never_change
    BEFORE UPDATE OF n_attachments, n_not_done, n_results ON inferences
    BEGIN SELECT RAISE(ABORT, 'what was received never changes'); END
    """,
    "DROP TRIGGER consents_never_change",
    """
    CREATE TRIGGER consents_never_change
    BEFORE UPDATE OF seq, id, inference_id, decision, given_by, relationship, form_signed,
        witness_present, assent, text_sha256, language, purposes, taken_at ON consents
    BEGIN SELECT RAISE(ABORT, 'consents never change'); END
    """,
    "DROP TRIGGER attachments_never_change",
    """
    CREATE TRIGGER attachments_never_change
    BEFORE UPDATE OF inference_id, position, recording_id, consent_id, consent_decision, role,
        take, chosen, speaker, started_at, stop_reason, prompt_sha256, gaps, capture, verdict,
        verdict_reasons ON attachments
    BEGIN SELECT RAISE(ABORT, 'attachments never change'); END
    """,
    "DROP TRIGGER refused_recordings_never_change",
    """
    CREATE TRIGGER refused_recordings_never_change
    BEFORE UPDATE OF recording_id, user_id, inference_id, sha256 ON refused_recordings
    BEGIN SELECT RAISE(ABORT, 'a refusal never changes'); END
    """,
    "DROP TRIGGER results_answered_once",
    """
    CREATE TRIGGER results_answered_once
    BEFORE UPDATE OF seq, id, inference_id, model_id, model_version_id, shadow, state, attempts,
        suspect, crashes_alone, owner, claimed_at, lease_until, output, probability, diagnosis,
        reason, reason_subject, error_code, computed_at, latency_ms ON results
    WHEN OLD.state IN ('done', 'error')
    BEGIN SELECT RAISE(ABORT, 'a result is answered once'); END
    """,
)

# A version that is asked later gives a result later: their number only rises, one at a time.
LATER_RESULTS = (
    "DROP TRIGGER inferences_parts_never_change",
    """
    CREATE TRIGGER inferences_parts_never_change
    BEFORE UPDATE OF n_attachments, n_not_done ON inferences
    BEGIN SELECT RAISE(ABORT, 'what was received never changes'); END
    """,
    """
    CREATE TRIGGER inferences_results_only_rise BEFORE UPDATE OF n_results ON inferences
    WHEN NEW.n_results <> OLD.n_results + 1
    BEGIN SELECT RAISE(ABORT, 'results are only added'); END
    """,
)

# Whoever removes the last audit rows leaves a chain that holds: so its end is written down, too.
AUDIT_HEAD = (
    """
    CREATE TABLE audit_head (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        seq INTEGER NOT NULL,
        hash TEXT NOT NULL
    ) STRICT
    """,
    """
    INSERT INTO audit_head (only, seq, hash)
    SELECT 1, coalesce(max(seq), 0),
        coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), '')
    FROM audit
    """,
    """
    CREATE TRIGGER audit_moves_its_head AFTER INSERT ON audit
    BEGIN UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash; END
    """,
    """
    CREATE TRIGGER audit_head_never_leaves BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the head of the audit never leaves'); END
    """,
)

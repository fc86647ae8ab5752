"""What a box holds, read from its files while nobody serves them, and held to a ledger."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.system.boxes import run_spira
from tests.torture.ledger import Ledger

_ONCE: Final = ("recording.stored", "inference.stored", "result.stored")


@contextmanager
def opened(data: Path) -> Iterator[sqlite3.Connection]:
    """Open the records for reading alone."""
    records = sqlite3.connect(f"{(data / 'records.db').as_uri()}?mode=ro", uri=True)
    try:
        yield records
    finally:
        records.close()


def lost(data: Path, ledger: Ledger) -> list[str]:
    """Return what was acknowledged and is not there; cheap enough for after each kill."""
    recordings, inferences = ledger.acknowledged()
    with opened(data) as records:
        kept = dict(records.execute("SELECT id, sha256 FROM recordings"))
        found = {row[0] for row in records.execute("SELECT id FROM inferences")}
    gone = [f"recording {key}" for key, value in recordings.items() if kept.get(key) != value]
    return gone + [f"inference {key}" for key in inferences - found]


def n_unfinished(data: Path, *states: str) -> int:
    """Return how many results are in one of these states."""
    with opened(data) as records:
        counts = dict(records.execute("SELECT state, count(*) FROM results GROUP BY state"))
    return sum(int(counts.get(state, 0)) for state in states)


def n_cut_off(data: Path) -> int:
    """Return of how many results a run ended with the process."""
    with opened(data) as records:
        (n_results,) = records.execute("SELECT count(*) FROM results WHERE suspect").fetchone()
    return int(n_results)


def assert_sound(data: Path) -> None:
    """Hold the files to themselves: database, audit chain, and what the doctor finds."""
    with opened(data) as records:
        assert records.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert records.execute("PRAGMA foreign_key_check").fetchall() == []
    run_spira("audit", "verify", "--json", "--data", str(data))
    findings = json.loads(run_spira("doctor", "--json", "--data", str(data)).stdout)["findings"]
    wrong = [f["code"] for f in findings if f["severity"] not in {"note", "warning"}]
    assert wrong == []


def assert_audio_holds(data: Path) -> int:
    """Hold every referenced file to its hash; return how many there are."""
    with opened(data) as records:
        rows = records.execute("SELECT DISTINCT sha256, n_bytes FROM recordings").fetchall()
    for sha256, n_bytes in rows:
        content = (data / "audio" / f"{sha256}.wav").read_bytes()
        assert len(content) == n_bytes, sha256
        assert hashlib.sha256(content).hexdigest() == sha256
    return len(rows)


def n_unreferenced_files(data: Path) -> int:
    """Return how many files lie there for the daily sweep: parts, and recordings without a row."""
    with opened(data) as records:
        named = {f"{row[0]}.wav" for row in records.execute("SELECT sha256 FROM recordings")}
    names = {path.name for path in (data / "audio").iterdir()} - {".lock"}
    assert {name for name in names if not name.endswith((".wav", ".part"))} == set()
    return len(names - named)


def assert_held_to(data: Path, ledger: Ledger) -> None:
    """Hold the box to its word: nothing lost, nothing doubled, one good result each."""
    assert ledger.faults == []
    assert lost(data, ledger) == []
    with opened(data) as records:
        attached: dict[str, set[tuple[str, str]]] = {}
        for inference_id, recording_id, sha256 in records.execute(
            "SELECT inferences.id, recordings.id, recordings.sha256 FROM inferences"
            " LEFT JOIN attachments ON inference_id = inferences.id"
            " LEFT JOIN recordings ON recordings.id = recording_id"
        ):
            attached.setdefault(inference_id, set()).add((recording_id, sha256))
        _assert_nothing_doubled(records, attached, ledger)
        _assert_one_result_each(records, len(attached))


def _assert_nothing_doubled(
    records: sqlite3.Connection, attached: dict[str, set[tuple[str, str]]], ledger: Ledger
) -> None:
    """Each inference was sent once or has its acknowledgement; each was audited once."""
    for inference_id, recording_ids in ledger.inferences.items():
        assert {recording_id for recording_id, _ in attached[inference_id]} == recording_ids
    posts = Counter(
        frozenset(sha256 for _, sha256 in recordings)
        for inference_id, recordings in attached.items()
        if inference_id not in ledger.inferences
    )
    acknowledged, unanswered = Counter(ledger.posts.values()), Counter(ledger.unanswered)
    assert not acknowledged - posts, "an acknowledged post is lost"
    assert not posts - acknowledged - unanswered, "an inference is there twice"
    twice = records.execute(
        "SELECT action, entity_id, count(*) FROM audit WHERE action IN (?, ?, ?)"
        " GROUP BY action, entity_id HAVING count(*) > 1",
        _ONCE,
    ).fetchall()
    assert twice == []


def _assert_one_result_each(records: sqlite3.Connection, n_inferences: int) -> None:
    """One result a model and inference, done, and none of them an error."""
    (n_models,) = records.execute(
        "SELECT count(*) FROM model_versions WHERE state IN ('active', 'shadow')"
    ).fetchone()
    odd = records.execute(
        "SELECT inferences.id, status, group_concat(state), group_concat(error_code)"
        " FROM inferences LEFT JOIN results ON inference_id = inferences.id"
        " GROUP BY inferences.id HAVING status != 'completed' OR count(*) != ?"
        " OR count(DISTINCT results.model_id) != ? OR total(state = 'done') != ?",
        (n_models, n_models, n_models),
    ).fetchall()
    assert odd == []
    (n_stored,) = records.execute("SELECT count(*) FROM inferences").fetchone()
    assert n_stored == n_inferences

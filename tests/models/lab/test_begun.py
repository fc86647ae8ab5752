"""A training that was begun is known again; another one never takes its place unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.errors import InvalidRequest, TargetUnwritable
from models.training.begun import begun_training

IDENTITY = {"seed": 1, "snrs_db": (5.0, 10.0), "dataset": "ab"}


def begin(work_directory: Path) -> None:
    """Begin a training, and be killed."""
    with begun_training(work_directory, IDENTITY, restart=False) as begun:
        assert begun.run_id is None
        begun.note("run-1")
        (begun.directory / "checkpoint").write_bytes(b"state")


def test_the_same_training_is_known_by_its_run(tmp_path: Path) -> None:
    """However its settings are spelled: tuples are lists on disk."""
    begin(tmp_path)
    with begun_training(tmp_path, dict(IDENTITY), restart=False) as begun:
        assert begun.run_id == "run-1"


def test_another_training_is_refused_by_what_differs(tmp_path: Path) -> None:
    """The checkpoint of the first stays as it was."""
    begin(tmp_path)
    other = {**IDENTITY, "seed": 2, "roles": "frase"}
    with (
        pytest.raises(InvalidRequest, match="--restart") as refusal,
        begun_training(tmp_path, other, restart=False),
    ):
        pass
    told = {fault.field: fault.message for fault in refusal.value.errors}
    assert told == {"seed": "was 1, is 2", "roles": "was absent, is frase"}
    assert (tmp_path / "training" / "checkpoint").read_bytes() == b"state"


def test_a_restart_forgets_what_was_begun(tmp_path: Path) -> None:
    """Checkpoint and run."""
    begin(tmp_path)
    with begun_training(tmp_path, {**IDENTITY, "seed": 2}, restart=True) as begun:
        assert begun.run_id is None
        assert begun.kept.last() is None


def test_only_one_is_at_work(tmp_path: Path) -> None:
    """The second is told, and the first goes on."""
    with begun_training(tmp_path, IDENTITY, restart=False) as first:
        with (
            pytest.raises(InvalidRequest, match="at work"),
            begun_training(tmp_path, IDENTITY, restart=True),
        ):
            pass
        first.note("run-1")
    with begun_training(tmp_path, IDENTITY, restart=False) as again:
        assert again.run_id == "run-1"


def test_what_ended_is_forgotten(tmp_path: Path) -> None:
    """Nothing is left that would have to be given up."""
    with begun_training(tmp_path, IDENTITY, restart=False) as begun:
        begun.note("run-1")
        begun.end()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"run_id": 1, "identity": 2}', b"\xff"])
def test_a_damaged_note_is_refused(tmp_path: Path, content: bytes) -> None:
    """With the way on."""
    begin(tmp_path)
    (tmp_path / "training" / "begun.json").write_bytes(content)
    with (
        pytest.raises(InvalidRequest, match="--restart"),
        begun_training(tmp_path, IDENTITY, restart=False),
    ):
        pass


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file stands where the directory would be."""
    (tmp_path / "work").write_text("mine")
    with (
        pytest.raises(TargetUnwritable),
        begun_training(tmp_path / "work", IDENTITY, restart=False),
    ):
        pass

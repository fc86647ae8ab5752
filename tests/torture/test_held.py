"""The ledger itself: each way in which a box could break its word is seen."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import pytest

from tests.torture.held import assert_audio_holds, assert_held_to, lost
from tests.torture.ledger import Ledger, Take, Visit
from tests.torture.verbs import ROLES, furnish, named, opened, restart_and_predict, sound


def a_visit(name: str) -> Visit:
    """Return a visit as a client of `verbs` makes it."""
    takes = tuple(
        Take(
            id=named(name, role),
            role=role,
            content=sound(name, role),
            sha256=hashlib.sha256(sound(name, role)).hexdigest(),
        )
        for role in ROLES
    )
    return Visit(id=named(name), takes=takes)


STORED: Final = a_visit("waiting")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with one inference, answered."""
    directory = tmp_path_factory.mktemp("held") / "box"
    furnish(directory)
    with opened(directory, run=2) as opened_box:
        restart_and_predict(opened_box)
    return directory


@pytest.fixture
def ledger() -> Ledger:
    """What its client was told."""
    ledger = Ledger()
    for take in STORED.takes:
        ledger.recording_kept(take)
    ledger.inference_kept(STORED)
    return ledger


def test_an_honest_box_is_held_to_nothing(box: Path, ledger: Ledger) -> None:
    """What was told is there."""
    assert_held_to(box, ledger)
    assert assert_audio_holds(box) > len(ROLES)


def test_what_was_acknowledged_and_is_not_there_is_lost(box: Path, ledger: Ledger) -> None:
    """An inference, a recording, and a recording of another content."""
    ledger.inference_kept(a_visit("never sent"))
    ledger.recordings[named("never sent", "aceite")] = STORED.takes[0].sha256
    ledger.recordings[STORED.takes[1].id] = STORED.takes[0].sha256

    assert len(lost(box, ledger)) == 3
    with pytest.raises(AssertionError):
        assert_held_to(box, ledger)


def test_a_post_may_be_there_as_often_as_it_was_sent(box: Path, ledger: Ledger) -> None:
    """One whose answer was lost: once or not at all. One nobody sent: never."""
    ledger.inferences.clear()
    with pytest.raises(AssertionError, match="there twice"):
        assert_held_to(box, ledger)

    ledger.post_unanswered(STORED)
    ledger.post_unanswered(a_visit("cut off"))
    assert_held_to(box, ledger)

    ledger.unanswered.clear()
    ledger.post_kept(STORED.id, STORED)
    assert_held_to(box, ledger)
    ledger.post_kept(named("other"), STORED)
    with pytest.raises(AssertionError):
        assert_held_to(box, ledger)


def test_a_flipped_bit_is_seen(box: Path) -> None:
    """Files are held to their hashes."""
    path = box / "audio" / f"{STORED.takes[0].sha256}.wav"
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(AssertionError):
        assert_audio_holds(box)

    path.write_bytes(content)
    assert_audio_holds(box)

"""What every filler of RecordingRecords promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.errors import ContentConflict, RecordingNotFound
from appliance.core.ids import RecordingId, UserId
from appliance.core.inference import Recording
from appliance.ports import Stored
from tests.builders import (
    a_recording,
    an_attachment,
    an_audit,
    an_inference,
    digest_of,
    later,
    some_measures,
)
from tests.contracts.records import Records, n_audited

UNHEARD = some_measures(level_db=None, noise_db=None, snr_db=None, steady_frac=None)


def numbered(number: int) -> Recording:
    """Return a recording of that number, received as many seconds after noon."""
    return a_recording(id=RecordingId(f"recording-{number}"), received_at=later(number))


@pytest.mark.parametrize("measures", [some_measures(), UNHEARD])
def test_a_recording_comes_back_as_added(furnished: Records, measures: object) -> None:
    """Every field survives, measures that could not be taken included."""
    recording = a_recording(measures=measures)
    assert furnished.recordings.add_recording(recording, audit=an_audit()) is Stored.NEW
    assert furnished.recordings.recording(recording.id) == recording
    assert furnished.recordings.is_referenced(recording.sha256)


def test_sending_again_changes_nothing(furnished: Records) -> None:
    """The first answer stands, without an audit row."""
    furnished.recordings.add_recording(a_recording(), audit=an_audit())
    n_before = n_audited(furnished)
    again = a_recording(received_at=later(60))
    assert furnished.recordings.add_recording(again, audit=an_audit()) is Stored.SAME
    assert furnished.recordings.recording(again.id) == a_recording()
    assert n_audited(furnished) == n_before


@pytest.mark.parametrize(
    "change",
    [{"user_id": UserId("user-2")}, {"role": "parlenda"}, {"sha256": digest_of("other")}],
)
def test_an_id_never_gets_other_content(furnished: Records, change: dict[str, str]) -> None:
    """Another user, role or sound under a known id is refused, and the first one stays."""
    furnished.recordings.add_recording(a_recording(), audit=an_audit())
    with pytest.raises(ContentConflict):
        furnished.recordings.add_recording(a_recording(**change), audit=an_audit())
    assert furnished.recordings.recording(a_recording().id) == a_recording()


def test_the_same_sound_may_come_twice(furnished: Records) -> None:
    """A content hash is no identity."""
    twin = replace(numbered(2), sha256=numbered(1).sha256)
    for recording in (numbered(1), twin):
        furnished.recordings.add_recording(recording, audit=an_audit())
    assert list(furnished.recordings.content_hashes()) == [twin.sha256]
    furnished.recordings.erase_recording(twin.id, audit=an_audit())
    assert furnished.recordings.is_referenced(twin.sha256)


def test_recordings_come_in_the_order_asked(furnished: Records) -> None:
    """Those that are not here are left out."""
    for number in (1, 2, 3):
        furnished.recordings.add_recording(numbered(number), audit=an_audit())
    asked = [RecordingId(f"recording-{number}") for number in (3, 9, 1)]
    assert furnished.recordings.recordings(asked) == (numbered(3), numbered(1))
    assert furnished.recordings.recordings([]) == ()


def test_an_unknown_recording_is_missing(records: Records) -> None:
    """Asking for it by id says so."""
    with pytest.raises(RecordingNotFound):
        records.recordings.recording(RecordingId("recording-9"))


def test_recordings_without_an_inference_are_found(furnished: Records) -> None:
    """Oldest first, those received before an instant, attached ones left out."""
    for number in (3, 1, 2, 4):
        furnished.recordings.add_recording(numbered(number), audit=an_audit())
    attachment = an_attachment(recording_id=numbered(2).id)
    inference = an_inference(attachments=(attachment,))
    furnished.inferences.add_inference(inference, [], audit=an_audit())
    found = furnished.recordings.unattached(received_before=later(4))
    assert found == (numbered(1), numbered(3))


def test_only_a_free_recording_is_erased(furnished: Records) -> None:
    """What an inference attaches stays; erasing what is absent changes nothing."""
    for number in (1, 2):
        furnished.recordings.add_recording(numbered(number), audit=an_audit())
    attachment = an_attachment(recording_id=numbered(1).id)
    inference = an_inference(attachments=(attachment,))
    furnished.inferences.add_inference(inference, [], audit=an_audit())
    n_before = n_audited(furnished)
    for number in (1, 2, 9):
        furnished.recordings.erase_recording(RecordingId(f"recording-{number}"), audit=an_audit())
    assert furnished.recordings.recordings([numbered(1).id, numbered(2).id]) == (numbered(1),)
    assert n_audited(furnished) == n_before + 1


def test_every_content_hash_comes_once(furnished: Records) -> None:
    """What is referenced may be compared with what lies on disk."""
    for number in range(5):
        furnished.recordings.add_recording(numbered(number), audit=an_audit())
    hashes = list(furnished.recordings.content_hashes())
    assert sorted(hashes) == sorted(numbered(number).sha256 for number in range(5))
    assert not furnished.recordings.is_referenced(digest_of("elsewhere"))

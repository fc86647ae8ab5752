"""Taking a recording in: no sweep comes between its file and its row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from appliance.core.audit import AuditEntry
from appliance.core.ids import Sha256
from appliance.core.inference import Recording
from appliance.core.wav import MAX_BYTES
from appliance.ports import Stored
from tests.fakes import open_fake_records
from tests.fakes_documents import FakeRecordings
from tests.fakes_io import FakeAudioPart, FakeAudioStore
from tests.usecases.ward import Ward, a_voice


@dataclass
class WatchfulStore(FakeAudioStore):
    """Notes what happens, and whether erasing was held off meanwhile."""

    noted: list[tuple[str, bool]] = field(default_factory=list)
    holding: bool = False

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Hold off every erase, and know it."""
        with super().settling():
            self.holding = True
            yield
            self.holding = False

    def begin(self, *, max_bytes: int = MAX_BYTES) -> FakeAudioPart:
        """Open a part that is watched."""
        part = WatchedPart(self, max_bytes)
        self.parts[id(part)] = (part, self.now_s())
        return part


@dataclass
class WatchedPart(FakeAudioPart):
    """Tells its store when it is kept."""

    def keep(self) -> Sha256:
        """Move it into the store."""
        assert isinstance(self.store, WatchfulStore)
        self.store.noted.append(("keep", self.store.holding))
        return super().keep()


class WatchedRecordings(FakeRecordings):
    """Tells the store of files when a row comes."""

    audio: WatchfulStore

    def add_recording(self, recording: Recording, *, audit: AuditEntry) -> Stored:
        """See the port."""
        self.audio.noted.append(("add", self.audio.holding))
        return super().add_recording(recording, audit=audit)


def test_erasing_is_held_off_from_the_file_to_its_row() -> None:
    """Else a sweep or a refusal could take the file of a row that is about to be written."""
    records = open_fake_records()
    audio = WatchfulStore()
    recordings = WatchedRecordings(records.audit)
    recordings.audio = audio
    ward = Ward(records=replace(records, recordings=recordings), audio=audio)

    ward.record("frase", a_voice())

    assert audio.noted == [("keep", True), ("add", True)]
    assert not audio.holding

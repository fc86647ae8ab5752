"""The contract of AudioStore, kept by the directory on disk and by the fake."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.adapters.audio_files import AudioFiles, Disk
from appliance.core.errors import AudioDamaged, AudioMissing, DiskFull, StorageFailed, TooLarge
from appliance.core.ids import Sha256
from appliance.core.wav import MAX_BYTES
from appliance.ports import AudioStore
from tests.fakes_io import FakeAudioStore

ABSENT = Sha256("0" * 64)


def never() -> bool:
    """Need nothing any more."""
    return False


@dataclass
class Under:
    """A store under test, and the ways a test may treat it badly."""

    store: AudioStore
    damage: Callable[[Sha256], None]
    fill: Callable[[], None]
    fail: Callable[[], None]
    crash: Callable[[Any], None]
    clock: Clock

    def add(self, content: bytes) -> Sha256:
        """Store content."""
        part = self.store.begin()
        part.write(content)
        return part.keep()


@dataclass
class Clock:
    """The present, which tests move on."""

    ahead_s: float = field(default=0.0)

    def __call__(self) -> float:
        """Return seconds since the epoch."""
        return time.time() + self.ahead_s


def real(directory: Path) -> Under:
    """Return a directory on disk."""
    clock = Clock()
    free = [1 << 40]
    store = AudioFiles(
        directory, reserve_bytes=1 << 20, disk=Disk(now_s=clock, free_bytes=lambda _: free[0])
    )

    def damage(sha256: Sha256) -> None:
        path = directory / f"{sha256}.wav"
        content = bytearray(path.read_bytes())
        content[0] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)

    return Under(
        store=store,
        damage=damage,
        fill=lambda: free.__setitem__(0, (1 << 20) - 1),
        fail=store.refuse_writes,
        # A kill closes what was open and removes nothing.
        crash=lambda part: os.close(part._open_handle),  # noqa: SLF001
        clock=clock,
    )


def fake() -> Under:
    """Return the fake."""
    clock = Clock()
    store = FakeAudioStore(now_s=clock)
    return Under(
        store=store,
        damage=store.damage,
        fill=lambda: setattr(store, "full", True),
        fail=lambda: setattr(store, "failed", True),
        crash=lambda part: setattr(part, "crashed", True),
        clock=clock,
    )


@pytest.fixture(params=["files", "fake"])
def under(request: pytest.FixtureRequest, tmp_path: Path) -> Under:
    """Each store in turn."""
    return real(tmp_path / "audio") if request.param == "files" else fake()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(max_size=2000), max_size=8))
def test_what_was_kept_comes_back_unchanged(under: Under, chunks: list[bytes]) -> None:
    """However the bytes were cut on their way, they are stored under their SHA-256."""
    content = b"".join(chunks)
    part = under.store.begin()
    for chunk in chunks:
        part.write(chunk)

    assert part.content() == content
    assert part.sha256() == hashlib.sha256(content).hexdigest()
    assert part.keep() == hashlib.sha256(content).hexdigest()
    part.discard()

    assert under.store.read(Sha256(hashlib.sha256(content).hexdigest())) == content


def test_a_discarded_part_leaves_nothing(under: Under) -> None:
    """Half an upload is neither a recording nor litter."""
    part = under.store.begin()
    part.write(b"half")
    sha256 = part.sha256()

    part.discard()
    part.discard()

    assert list(under.store.hashes()) == []
    assert under.store.sweep(older_than_s=-1.0) == 0
    with pytest.raises(AudioMissing):
        under.store.read(sha256)


def test_the_same_content_twice_is_one_recording(under: Under) -> None:
    """A repeated upload changes nothing."""
    assert under.add(b"voice") == under.add(b"voice")
    assert len(list(under.store.hashes(older_than_s=-1.0))) == 1


def test_all_is_listed_whatever_the_clock_says(under: Under) -> None:
    """A clock that went back does not make recordings look lost."""
    sha256 = under.add(b"voice")

    under.clock.ahead_s = -864_000.0

    assert list(under.store.hashes()) == [sha256]


def test_a_damaged_recording_is_never_given_out(under: Under) -> None:
    """Bit rot is reported, not served."""
    sha256 = under.add(b"voice")
    under.damage(sha256)

    with pytest.raises(AudioDamaged) as caught:
        under.store.read(sha256)
    assert caught.value.details["sha256"] == sha256


def test_the_same_upload_heals_a_damaged_recording(under: Under) -> None:
    """Sound bytes that arrive again take the damaged ones' place."""
    sha256 = under.add(b"voice")
    under.damage(sha256)

    assert under.add(b"voice") == sha256
    assert under.store.read(sha256) == b"voice"


def test_what_was_never_stored_is_missing(under: Under) -> None:
    """A row without its file is an error with a name."""
    with pytest.raises(AudioMissing):
        under.store.read(ABSENT)


def test_erasing_removes_once_and_may_be_repeated(under: Under) -> None:
    """Erasing what is gone is no error."""
    sha256 = under.add(b"voice")
    other = under.add(b"other voice")

    under.store.erase(sha256, unless=never)
    under.store.erase(sha256, unless=never)

    assert list(under.store.hashes(older_than_s=-1.0)) == [other]
    with pytest.raises(AudioMissing):
        under.store.read(sha256)


def test_what_is_needed_after_all_is_not_erased(under: Under) -> None:
    """The question is asked last, and a yes keeps the file."""
    sha256 = under.add(b"voice")

    under.store.erase(sha256, unless=lambda: True)

    assert under.store.read(sha256) == b"voice"


def test_nothing_is_erased_while_a_recording_settles(under: Under) -> None:
    """Between a file and its row an erasure waits, and then finds that the row is there."""
    rows: set[Sha256] = set()
    sha256 = under.add(b"voice")
    erasing = threading.Thread(
        target=lambda: under.store.erase(sha256, unless=lambda: sha256 in rows)
    )

    with under.store.settling():
        erasing.start()
        erasing.join(timeout=0.2)
        assert erasing.is_alive()
        assert under.add(b"voice") == sha256
        rows.add(sha256)
    erasing.join(timeout=10.0)

    assert not erasing.is_alive()
    assert under.store.read(sha256) == b"voice"


def test_a_part_beyond_the_limit_is_refused(under: Under) -> None:
    """24 MiB fit, one byte more does not, and what was written stays what it was."""
    part = under.store.begin()
    part.write(bytes(MAX_BYTES))

    with pytest.raises(TooLarge):
        part.write(b"x")

    assert part.sha256() == hashlib.sha256(bytes(MAX_BYTES)).hexdigest()
    part.discard()


def test_a_full_disk_refuses_new_recordings_and_keeps_the_old(under: Under) -> None:
    """Below the reserve nothing begins and nothing grows; reading, keeping, erasing go on."""
    sha256 = under.add(b"voice")
    part = under.store.begin()
    part.write(b"arrived whole")
    under.fill()

    with pytest.raises(DiskFull):
        under.store.begin()
    with pytest.raises(DiskFull):
        part.write(b"more")
    assert under.store.read(part.keep()) == b"arrived whole"
    assert under.store.read(sha256) == b"voice"
    under.store.erase(sha256, unless=never)


def test_a_failed_disk_acknowledges_nothing_more(under: Under) -> None:
    """After a failure no write succeeds; what is there can still be read."""
    sha256 = under.add(b"voice")
    part = under.store.begin()
    part.write(b"too late")
    under.fail()

    for refused in (
        under.store.begin,
        lambda: part.write(b"more"),
        part.keep,
        lambda: under.store.erase(sha256, unless=never),
    ):
        with pytest.raises(StorageFailed):
            refused()
    part.discard()
    assert under.store.read(sha256) == b"voice"


def test_only_old_parts_are_swept(under: Under) -> None:
    """One that a crash left is removed, after its time."""
    part = under.store.begin()
    part.write(b"never finished")
    under.crash(part)

    assert under.store.sweep(older_than_s=3600.0) == 0
    under.clock.ahead_s = 3601.0
    assert under.store.sweep(older_than_s=3600.0) == 1
    assert under.store.sweep(older_than_s=3600.0) == 0


def test_an_upload_under_way_is_left_alone_however_old_it_looks(under: Under) -> None:
    """The clock was set forward by ten years while it arrived: it arrives all the same."""
    part = under.store.begin()
    part.write(b"under ")
    under.clock.ahead_s = 10 * 365 * 86_400.0

    assert under.store.sweep(older_than_s=3600.0) == 0
    part.write(b"way")

    assert under.store.read(part.keep()) == b"under way"


def test_only_old_recordings_are_listed_when_asked(under: Under) -> None:
    """What arrived a moment ago may still be waiting for its row."""
    sha256 = under.add(b"voice")

    assert list(under.store.hashes(older_than_s=3600.0)) == []
    under.clock.ahead_s = 3601.0
    assert list(under.store.hashes(older_than_s=3600.0)) == [sha256]


def test_a_part_ends_with_keep(under: Under) -> None:
    """Writing to what was kept is a fault of the program, not a second recording."""
    part = under.store.begin()
    part.write(b"voice")
    part.keep()

    with pytest.raises(ValueError, match="kept"):
        part.write(b"more")


def test_a_part_holds_what_it_may_and_no_more(under: Under) -> None:
    """The largest sealed item is a little larger than the largest recording in it."""
    part = under.store.begin(max_bytes=10)
    part.write(b"123456")
    with pytest.raises(TooLarge) as refused:
        part.write(b"78901")
    assert refused.value.details["max_bytes"] == 10
    part.write(b"7890")
    assert part.content() == b"1234567890"
    part.discard()

"""The directory of recordings: what lies on disk, in which order, and what a failing disk does."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from appliance.adapters.audio_files import AudioFiles, Disk
from appliance.core.errors import AudioDamaged, AudioMissing, DiskFull, Overloaded, StorageFailed
from appliance.core.ids import Sha256

ROOT = Path(__file__).parents[2]
VOICE = b"RIFF voice"
VOICE_SHA256 = Sha256(hashlib.sha256(VOICE).hexdigest())
T = TypeVar("T")
STEPS = ("write", "fsync", "close", "rename")


@dataclass
class Recorder:
    """A real disk that writes down its calls and fails the one it is told to."""

    failing: str = ""
    code: int = errno.EIO
    calls: list[str] = field(default_factory=list)

    def disk(self) -> Disk:
        """Return the disk."""
        return Disk(
            open=lambda path, flags, mode: self._call(
                "open", lambda: os.open(path, flags, mode), noted=False
            ),
            write=lambda handle, rest: self._call("write", lambda: os.write(handle, rest[:4])),
            fsync=self._fsync,
            close=lambda handle: self._call("close", lambda: os.close(handle)),
            rename=lambda old, new: self._call("rename", lambda: os.rename(old, new)),  # noqa: PTH104 - as the store does,
        )

    def _fsync(self, handle: int) -> None:
        step = "fsync directory" if stat.S_ISDIR(os.fstat(handle).st_mode) else "fsync"
        self._call(step, lambda: os.fsync(handle))

    def _call(self, step: str, call: Callable[[], T], *, noted: bool = True) -> T:
        if noted:
            self.calls.append(step)
        if step == self.failing:
            raise OSError(self.code, os.strerror(self.code))
        return call()


def store_in(directory: Path, recorder: Recorder | None = None, **kwargs: object) -> AudioFiles:
    """Return a store without a reserve."""
    disk = recorder.disk() if recorder else None
    return AudioFiles(directory / "audio", reserve_bytes=0, disk=disk, **kwargs)  # type: ignore[arg-type]


def add(store: AudioFiles, content: bytes = VOICE) -> Sha256:
    """Store content, and discard the part whatever happens, as the use case does."""
    part = store.begin()
    try:
        part.write(content)
        return part.keep()
    finally:
        part.discard()


def names(directory: Path) -> list[str]:
    """Return what lies in the directory of recordings."""
    return sorted(path.name for path in (directory / "audio").iterdir())


def test_a_recording_is_durable_before_it_is_acknowledged(tmp_path: Path) -> None:
    """Content, then the file's own sync, then its name, then the directory's sync."""
    recorder = Recorder()
    store = store_in(tmp_path, recorder)
    recorder.calls.clear()

    add(store)

    assert recorder.calls == ["write"] * 3 + ["fsync", "close", "rename", "fsync directory"]


def test_a_recording_is_read_only_and_private(tmp_path: Path) -> None:
    """The directory is 0700, a part 0600, a recording 0400, whatever the umask says."""
    before = os.umask(0)
    try:
        store = store_in(tmp_path)
        part = store.begin()
        part_mode = next((tmp_path / "audio").iterdir()).stat().st_mode
        part.write(VOICE)
        part.keep()
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "audio").stat().st_mode) == 0o700
    assert stat.S_IMODE(part_mode) == 0o600
    recording = tmp_path / "audio" / f"{VOICE_SHA256}.wav"
    assert stat.S_IMODE(recording.stat().st_mode) == 0o400


def test_a_directory_left_open_to_others_is_closed(tmp_path: Path) -> None:
    """A copied data directory becomes private again at the next start."""
    (tmp_path / "audio").mkdir(mode=0o755)
    store_in(tmp_path)
    assert stat.S_IMODE((tmp_path / "audio").stat().st_mode) == 0o700


@pytest.mark.parametrize("step", [*STEPS, "fsync directory"])
def test_after_a_failing_step_nothing_is_acknowledged(tmp_path: Path, step: str) -> None:
    """A disk that fails once fails for good in this process, and says so once."""
    recorder = Recorder()
    failures: list[StorageFailed] = []
    store = store_in(tmp_path, recorder, on_failure=failures.append)
    recorder.failing = step

    with pytest.raises(StorageFailed) as caught:
        add(store)
    recorder.failing = ""

    for again in (
        store.begin,
        lambda: add(store),
        lambda: store.erase(VOICE_SHA256, unless=lambda: False),
    ):
        with pytest.raises(StorageFailed):
            again()
    assert failures == [caught.value]
    assert caught.value.details["errno"] == "EIO"
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_loses_nothing_and_recovers(tmp_path: Path, step: str, code: int) -> None:
    """No space is refused politely, leaves no litter, and is over when there is space again."""
    recorder = Recorder()
    failures: list[StorageFailed] = []
    store = store_in(tmp_path, recorder, on_failure=failures.append)
    recorder.failing, recorder.code = step, code

    with pytest.raises(DiskFull):
        add(store)
    left = names(tmp_path)
    recorder.failing = ""

    assert left == []
    assert failures == []
    assert store.read(add(store)) == VOICE


SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN)


@pytest.mark.parametrize("code", SHORTAGES)
@pytest.mark.parametrize("step", ["open", *STEPS])
def test_a_shortage_of_the_system_is_no_failed_disk(tmp_path: Path, step: str, code: int) -> None:
    """Too many open files say nothing of the disk: refused for now, and over in a moment."""
    recorder = Recorder()
    failures: list[StorageFailed] = []
    store = store_in(tmp_path, recorder, on_failure=failures.append)
    recorder.failing, recorder.code = step, code

    with pytest.raises(Overloaded) as caught:
        add(store)
    left = names(tmp_path)
    recorder.failing = ""

    assert caught.value.details == {"errno": errno.errorcode[code]}
    assert (left, failures) == ([], [])
    assert store.read(add(store)) == VOICE


def test_reading_without_a_descriptor_is_tried_again(tmp_path: Path) -> None:
    """Nor does a recording count as missing then, nor its lock as broken."""
    recorder = Recorder(code=errno.EMFILE)
    failures: list[StorageFailed] = []
    store = store_in(tmp_path, recorder, on_failure=failures.append)
    add(store)
    recorder.failing = "open"

    for asked in (
        lambda: store.read(VOICE_SHA256),
        lambda: store.erase(VOICE_SHA256, unless=lambda: False),
        store.settling().__enter__,
    ):
        with pytest.raises(Overloaded):
            asked()
    recorder.failing = ""

    assert failures == []
    assert store.read(VOICE_SHA256) == VOICE


@pytest.mark.parametrize(("n_failing", "read"), [(1, True), (2, False)])
def test_a_disk_that_fails_to_read_is_asked_twice(
    tmp_path: Path, n_failing: int, *, read: bool
) -> None:
    """Damaged is for good: a moment's fault is not called so, a sector that stays bad is."""
    add(store_in(tmp_path))
    opened: list[Path] = []

    def failing_open(path: Path, flags: int, mode: int) -> int:
        opened.append(path)
        if path.suffix == ".wav" and len(opened) <= n_failing:
            raise OSError(errno.EIO, "failed to read")
        return os.open(path, flags, mode)

    store = AudioFiles(tmp_path / "audio", reserve_bytes=0, disk=Disk(open=failing_open))
    opened.clear()
    if read:
        assert store.read(VOICE_SHA256) == VOICE
    else:
        with pytest.raises(AudioDamaged):
            store.read(VOICE_SHA256)


def test_a_directory_that_cannot_be_synced_is_a_failed_disk(tmp_path: Path) -> None:
    """A rename of unknown durability is not excused by a full disk."""
    recorder = Recorder()
    store = store_in(tmp_path, recorder)
    recorder.failing, recorder.code = "fsync directory", errno.ENOSPC

    with pytest.raises(StorageFailed):
        add(store)


def test_the_reserve_is_kept_while_parts_grow(tmp_path: Path) -> None:
    """Uploads that began while there was space stop at the reserve as well."""
    free = [1000]
    disk = replace(Disk(), free_bytes=lambda _: free[0])
    store = AudioFiles(tmp_path / "audio", reserve_bytes=900, disk=disk)
    part = store.begin()

    part.write(bytes(100))
    with pytest.raises(DiskFull):
        part.write(bytes(101))
    free[0] = 899
    with pytest.raises(DiskFull):
        store.begin()
    part.discard()


def test_a_link_in_place_of_a_recording_is_not_followed(tmp_path: Path) -> None:
    """Only regular files of the store are recordings."""
    store = store_in(tmp_path)
    (tmp_path / "elsewhere").write_bytes(VOICE)
    (tmp_path / "audio" / f"{VOICE_SHA256}.wav").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(AudioMissing):
        store.read(VOICE_SHA256)


def test_a_pipe_in_place_of_a_recording_blocks_nobody(tmp_path: Path) -> None:
    """A file of another kind is damage, not an endless wait."""
    store = store_in(tmp_path)
    os.mkfifo(tmp_path / "audio" / f"{VOICE_SHA256}.wav")

    with pytest.raises(AudioDamaged):
        store.read(VOICE_SHA256)


def test_a_hash_that_is_a_path_reads_nothing(tmp_path: Path) -> None:
    """What is not 64 hexadecimal digits never becomes a file name."""
    store = store_in(tmp_path)
    (tmp_path / "secret.wav").write_bytes(VOICE)

    with pytest.raises(AudioMissing):
        store.read(Sha256("../secret"))
    with pytest.raises(AudioMissing):
        store.erase(Sha256("../secret"), unless=lambda: False)
    assert (tmp_path / "secret.wav").exists()


def test_foreign_files_are_neither_listed_nor_swept(tmp_path: Path) -> None:
    """The store touches only names it gives itself."""
    store = store_in(tmp_path)
    foreign = [f"{'A' * 64}.wav", "notes.txt", ".hidden.part", f"{VOICE_SHA256}.wav.bak"]
    for name in foreign:
        (tmp_path / "audio" / name).touch()

    assert list(store.hashes(older_than_s=-1.0)) == []
    assert store.sweep(older_than_s=-1.0) == 0
    assert names(tmp_path) == sorted(foreign)


def test_many_threads_store_at_once(tmp_path: Path) -> None:
    """Parts do not disturb each other, equal contents included."""
    store = store_in(tmp_path)
    contents = [bytes([n % 5]) * 100_000 for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda content: add(store, content), contents))

    assert [store.read(sha256) for sha256 in stored] == contents
    assert len(names(tmp_path)) == 5


def test_no_file_stays_open(tmp_path: Path) -> None:
    """Kept, discarded and refused parts give their descriptors back."""
    store = store_in(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for n in range(20):
        add(store, bytes([n]))
        store.begin().discard()
        store.read(Sha256(hashlib.sha256(bytes([n])).hexdigest()))

    assert len(list(Path("/proc/self/fd").iterdir())) == before


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from appliance.adapters.audio_files import AudioFiles, Disk

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

store = AudioFiles(Path(sys.argv[1]), reserve_bytes=0)
store.disk = Disk(**{sys.argv[2]: die})
part = store.begin()
part.write(b"RIFF voice")
part.keep()
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_on_the_way_leaves_only_what_is_swept(tmp_path: Path, step: str) -> None:
    """A kill -9 between any two steps leaves a part file and no recording."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT, tmp_path / "audio", step], cwd=ROOT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    store = store_in(tmp_path)

    left = names(tmp_path)
    assert len(left) == 1
    assert left[0].endswith(".part")
    assert list(store.hashes()) == []
    assert store.sweep(older_than_s=0.0) == 1
    assert names(tmp_path) == [".lock"]

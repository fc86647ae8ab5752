"""A journal of changes lived through again, keeping apart what programs see and what lasts.

The strictest reading of POSIX: content lasts by the fsync of its file, a name by that of its
directory; nothing else lasts. After a failed fsync the kernel may have dropped what it could not
write and believes it written: a later fsync does not bring it back.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.torture.disk_journal import CONTENT, JOURNAL


@dataclass(slots=True, eq=False)
class Inode:
    """A file or directory: what programs see, and what the disk has.

    Attributes:
        number: in order of making; decides in `MIXED`.
        mode: permission bits.
        entries, lasting_entries: of a directory; None of a file.
        content, lasting: of a file.
        pending: changes of content since the last fsync.
        version, lasting_version: count the changes of both.
    """

    number: int
    mode: int
    entries: dict[str, Inode] | None = None
    lasting_entries: dict[str, Inode] = field(default_factory=dict)
    content: bytearray = field(default_factory=bytearray)
    lasting: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    version: int = 0
    lasting_version: int = 0

    def change(self, offset: int, written: bytes | None) -> None:
        """Write bytes at an offset, or (None) make the file so long."""
        _apply(self.content, offset, written)
        self.pending.append((offset, written))
        self.version += 1

    def sync(self) -> None:
        """Bring what is pending to disk."""
        for offset, written in self.pending:
            _apply(self.lasting, offset, written)
        if self.pending:
            self.pending.clear()
            self.lasting_version += 1


def _apply(content: bytearray, offset: int, written: bytes | None) -> None:
    n_bytes = offset if written is None else offset + len(written)
    if len(content) < n_bytes:
        content.extend(bytes(n_bytes - len(content)))
    if written is None:
        del content[offset:]
    else:
        content[offset:n_bytes] = written


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """The last write, not followed by an fsync of its file.

    Attributes:
        before: what was there, as long as what was written.
        n_bytes: how long the file was.
    """

    inode: Inode
    offset: int
    before: bytes
    n_bytes: int


class Replay:
    """A disk that lived through the first operations of a journal."""

    def __init__(self, notes: Path) -> None:
        """Begin with an empty disk, before the first operation in the notes of a faulty disk."""
        self.operations: list[list[object]] = [
            json.loads(line) for line in (notes / JOURNAL).read_text().splitlines()
        ]
        self._written = (notes / CONTENT).read_bytes()
        self._open: dict[object, Inode] = {}
        self.torn: Torn | None = None
        self._n_inodes = 0
        self.n_done = 0
        self.root = self._new(0o755, directory=True)
        self._do: dict[str, Callable[..., None]] = {
            "create": self._create,
            "open": self._opened,
            "write": self._write,
            "cut": self._cut,
            "cut-open": self._cut_open,
            "sync": self._sync,
            "sync-failed": self._sync_failed,
            "sync-directory": self._sync_directory,
            "rename": self._rename,
            "link": self._link,
            "unlink": self._unlink,
            "rmdir": self._unlink,
            "mkdir": self._mkdir,
            "chmod": self._chmod,
            "release": self._release,
        }

    def adopt(self, directory: Path, at: str) -> None:
        """Put files on the disk that were there and durable before the journal began."""
        names, name = self._names(at)
        names[name] = self._adopted(directory)
        self.root.lasting_entries = dict(self.root.entries or {})

    def _adopted(self, path: Path) -> Inode:
        inode = self._new(path.stat().st_mode & 0o7777, directory=path.is_dir())
        if inode.entries is None:
            inode.content = bytearray(path.read_bytes())
            inode.lasting = bytearray(inode.content)
            return inode
        inode.entries = {child.name: self._adopted(child) for child in path.iterdir()}
        inode.lasting_entries = dict(inode.entries)
        return inode

    def at_ns(self, n_done: int) -> int:
        """Return until when the disk stays as it is after so many operations."""
        if n_done < len(self.operations):
            return int(str(self.operations[n_done][0]))
        return 2**63

    def n_done_at(self, at_ns: int) -> int:
        """Return how many operations were done at a moment."""
        return bisect_right(self.operations, at_ns, key=lambda line: int(str(line[0])))

    def is_sync(self, n_done: int) -> bool:
        """Return whether the operation after so many makes something last."""
        return str(self.operations[n_done][1]).startswith("sync")

    def go_to(self, n_done: int) -> None:
        """Let time go on until so many operations are done."""
        while self.n_done < n_done:
            _at, operation, *values = self.operations[self.n_done]
            self._do[str(operation)](*values)
            self.n_done += 1

    # --- operations -----------------------------------------------------------------------------

    def _new(self, mode: int, *, directory: bool = False) -> Inode:
        self._n_inodes += 1
        return Inode(number=self._n_inodes, mode=mode, entries={} if directory else None)

    def _names(self, path: str) -> tuple[dict[str, Inode], str]:
        """Return the names of the parent directory, and the last part of a path."""
        *parents, name = PurePosixPath(path).parts[1:]
        inode = self.root
        for parent in parents:
            assert inode.entries is not None
            inode = inode.entries[parent]
        assert inode.entries is not None
        return inode.entries, name

    def _find(self, path: str) -> Inode:
        if path == "/":
            return self.root
        names, name = self._names(path)
        return names[name]

    def _create(self, path: str, handle: int, mode: int) -> None:
        names, name = self._names(path)
        names[name] = self._open[handle] = self._new(mode)

    def _opened(self, path: str, handle: int, cut: bool) -> None:
        self._open[handle] = self._find(path)
        if cut:
            self._open[handle].change(0, None)

    def _write(self, handle: int, offset: int, at: int, n_bytes: int) -> None:
        inode = self._open[handle]
        before = bytes(inode.content[offset : offset + n_bytes]).ljust(n_bytes, b"\0")
        self.torn = Torn(inode=inode, offset=offset, before=before, n_bytes=len(inode.content))
        inode.change(offset, self._written[at : at + n_bytes])

    def _cut(self, path: str, length: int) -> None:
        self._find(path).change(length, None)
        self.torn = None

    def _cut_open(self, handle: int, length: int) -> None:
        self._open[handle].change(length, None)
        self.torn = None

    def _sync(self, handle: int) -> None:
        inode = self._open[handle]
        inode.sync()
        if self.torn is not None and self.torn.inode is inode:
            self.torn = None

    def _sync_failed(self, handle: int) -> None:
        self._open[handle].pending.clear()

    def _sync_directory(self, path: str) -> None:
        inode = self._find(path)
        inode.lasting_entries = dict(inode.entries or {})

    def _rename(self, old: str, new: str) -> None:
        names, name = self._names(old)
        inode = names.pop(name)
        names, name = self._names(new)
        names[name] = inode

    def _link(self, old: str, new: str) -> None:
        inode = self._find(old)
        names, name = self._names(new)
        names[name] = inode

    def _unlink(self, path: str) -> None:
        names, name = self._names(path)
        del names[name]

    def _mkdir(self, path: str, mode: int) -> None:
        names, name = self._names(path)
        names[name] = self._new(mode, directory=True)

    def _chmod(self, path: str, mode: int) -> None:
        self._find(path).mode = mode

    def _release(self, handle: int) -> None:
        self._open.pop(handle, None)

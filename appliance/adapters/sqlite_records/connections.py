"""Connections to records.db: the settings each must have, and how the file first comes to be."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

BUSY_TIMEOUT_S = 5.0

_SETTINGS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=FULL",
    # Deletions leave no trace in the file.
    "PRAGMA secure_delete=ON",
    # A file from elsewhere cannot run functions through its schema.
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA mmap_size=0",
    # Sorting needs no room on a disk.
    "PRAGMA temp_store=MEMORY",
    # Checkpoints only under the writer's lock.
    "PRAGMA wal_autocheckpoint=0",
    # REPLACE must not slip past the triggers that refuse DELETE.
    "PRAGMA recursive_triggers=ON",
)


class Connection(sqlite3.Connection):
    """A connection that can be referred to weakly, so that it ends with its thread."""


def create_file(path: Path) -> None:
    """Make an empty file of mode 0600, durably, unless there is one.

    Nothing but SQLite may open it once a connection exists: closing any other descriptor
    would drop this process's locks on it (sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    os.close(file)
    sync_names(path.parent)


def sync_names(directory: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def connect(path: Path) -> Connection:
    """Open the existing file; transactions are begun and ended by hand."""
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=Connection,
    )
    connection.row_factory = sqlite3.Row
    for setting in _SETTINGS:
        connection.execute(setting)
    return connection


def connect_reader(path: Path) -> Connection:
    """Open the existing file for reading only."""
    connection = connect(path)
    connection.execute("PRAGMA query_only=ON")
    # One a thread: the system caches the file for all of them, and once.
    connection.execute("PRAGMA cache_size=-256")
    return connection

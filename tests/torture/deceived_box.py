"""The real `spira`, told that there is plenty of space: as on a thin disk, or under a quota.

Nothing is refused beforehand then: every write of it meets the end of the disk by itself.
"""

from __future__ import annotations

import os


def _plenty(_path: object) -> os.statvfs_result:
    return os.statvfs_result((4096, 4096, 1 << 30, 1 << 30, 1 << 30, 0, 0, 0, 0, 255))


if __name__ == "__main__":
    # Before anything of the box is imported: it keeps the call.
    os.statvfs = _plenty  # type: ignore[assignment]  # called with a path, no more

    from appliance.adapters.sqlite_records import database
    from cli import main

    # So that the log is written back at every fullness of the disk, not once in a hundred steps.
    database.MAX_WAL_BYTES = 256 * 1024
    main()

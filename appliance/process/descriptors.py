"""How many files and sockets the process may hold open."""

from __future__ import annotations

import logging
import resource
from collections.abc import Callable
from typing import Final

DESCRIPTORS_EACH: Final = 6
"""Of one connection at most: its socket, four parts of the 2022 request, the database."""

_log = logging.getLogger(__name__)

Limit = tuple[int, int]


def allow_descriptors(
    n_connections: int,
    *,
    read: Callable[[int], Limit] = resource.getrlimit,
    write: Callable[[int, Limit], None] = resource.setrlimit,
) -> None:
    """Raise the soft limit to the hard one; warn if even that is short of what may be needed.

    The soft limit is 1,024 by tradition, for programs that call select(2) [systemd.exec(5)]:
    this one does not.
    """
    soft, hard = read(resource.RLIMIT_NOFILE)
    if soft != hard:
        write(resource.RLIMIT_NOFILE, (hard, hard))
    needed = n_connections * DESCRIPTORS_EACH
    if hard != resource.RLIM_INFINITY and hard < needed:
        _log.warning("few-descriptors", extra={"n_allowed": hard, "n_needed": needed})

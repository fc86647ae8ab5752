"""Any bytes as the container of a bundle: the files that were written, or a refusal by name."""

from __future__ import annotations

from appliance.core.container import contents, read_container
from appliance.core.errors import BundleRefused
from tests.torture.fuzz.known import hold_to


def one(content: bytes) -> None:
    """Read its directory and unpack every file; none is longer than it declares."""
    view = memoryview(content)
    try:
        for member in read_container(view):
            assert sum(map(len, contents(view, member))) == member.n_bytes
    except BundleRefused as refusal:
        hold_to(refusal, {"container", "container-limits"})

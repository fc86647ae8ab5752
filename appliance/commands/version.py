"""`spira version`."""

from __future__ import annotations

from appliance import __version__
from appliance.commands.console import JsonOption, show


def version(*, as_json: JsonOption = False) -> None:
    """Print the version of this release."""
    show({"version": __version__}, [__version__], as_json=as_json)

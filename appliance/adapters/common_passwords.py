"""The passwords that are refused because people are known to choose them."""

from __future__ import annotations

from importlib.resources import files


def load_common_passwords() -> frozenset[str]:
    """Return the shipped list: lower case, at least 12 characters each.

    The file's header, up to its first empty line, names where they come from.
    """
    text = files("appliance").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    _, _, listed = text.partition("\n\n")
    return frozenset(listed.splitlines())

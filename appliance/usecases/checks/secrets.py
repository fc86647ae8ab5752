"""A box without its secrets cannot serve, and new ones do not match what it has given out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from appliance.core.findings import Finding, Severity


def check(missing: Sequence[str], unchecked: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Find secrets that are not there, or whose damage would not be seen.

    Args:
        missing: names of files of `keys/` that are missing or damaged.
        unchecked: names of those that carry no check, looked for by `verify` alone.
    """
    needed = [name for name in missing if name not in _EFFECTS]
    spare = [name for name in missing if name in _EFFECTS]
    return (*_missing(needed), *_spare(spare), *_unchecked(unchecked))


_EFFECTS: Final = {
    "box-signing.key": "No head of the audit can be signed, and no nurse signs in to the web app.",
    "outbox.key": "Nothing that tablets sealed can be opened; they keep it.",
}
"""Secrets without which the box starts all the same, and what then fails."""


def _spare(missing: Sequence[str]) -> Iterator[Finding]:
    for name in missing:
        yield Finding(
            code="key-damaged",
            severity=Severity.ERROR,
            effect=_EFFECTS[name],
            cause="A file of the keys directory was damaged.",
            remedy="Restore it from a backup. A new one would not fit what was given out before.",
            details={"files": (name,)},
        )


def _missing(missing: Sequence[str]) -> Iterator[Finding]:
    if missing:
        yield Finding(
            code="secret-missing",
            severity=Severity.ERROR,
            effect="The box does not start, and every command but the doctor fails.",
            cause="Files of the keys directory were removed or damaged.",
            remedy=(
                "Restore them from a backup. Without pseudonym.key patients would get other"
                " pseudonyms in exports; without token.key everyone has to sign in again."
            ),
            details={"files": tuple(missing)},
        )


def _unchecked(unchecked: Sequence[str]) -> Iterator[Finding]:
    if unchecked:
        yield Finding(
            code="secret-unchecked",
            severity=Severity.NOTE,
            effect="None, but a flipped bit in them would not be seen.",
            cause="They were made by hand, or by a release that wrote no check behind them.",
            remedy="Nothing to do; keep a backup of them.",
            details={"files": tuple(unchecked)},
        )

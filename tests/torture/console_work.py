"""What IT does to a box at its console: each command, and what it must have left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

import appliance
from appliance.core.audit import AuditAction
from tests.bundle_builders import a_bundle, a_manifest
from tests.commands.console import Console, Said
from tests.torture.survivors import Survivor

PROTOCOL: Final = Path(appliance.__file__).parent / "protocols" / "spira-2022.1.json"
FIRST, SECOND = "a long first pass phrase", "a second pass phrase, longer"


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        words: as typed, without options of every command.
        typed: on standard input.
        leaves: of the audit: action that is there once more.
        check: besides, what a box holds after it.
    """

    words: tuple[str, ...]
    leaves: AuditAction
    typed: str = ""
    check: Callable[[Survivor], None] = lambda _survivor: None

    def run(self, console: Console) -> Said:
        """Run it."""
        return console.run(*self.words, "--json", typed=self.typed)


def commands(console: Console) -> list[Command]:
    """Return the commands of one visit, in order; what they need lies beside the box."""
    bundle = console.file("newer.spira", a_bundle(a_manifest(version="2.0.0", sequence=2)))
    document = PROTOCOL.read_bytes().replace(b'"spira-2022.1"', b'"spira-2026.9"')
    protocol = console.file("newer.json", document)
    add = ("users", "add", "bia", "--password-stdin")
    return [
        Command(
            words=("models", "install", bundle),
            leaves=AuditAction.MODEL_INSTALLED,
            check=_whole_versions,
        ),
        Command(words=("models", "activate", "loudness@2.0.0"), leaves=AuditAction.MODEL_ACTIVATED),
        Command(words=("models", "rollback", "loudness"), leaves=AuditAction.MODEL_ROLLED_BACK),
        Command(words=("protocols", "install", protocol), leaves=AuditAction.PROTOCOL_INSTALLED),
        Command(words=add, typed=f"{FIRST}\n", leaves=AuditAction.USER_ADDED),
        Command(
            words=("users", "passwd", "bia", "--password-stdin"),
            typed=f"{SECOND}\n",
            leaves=AuditAction.USER_PASSWORD_SET,
            check=lambda survivor: _signs_in(survivor, SECOND),
        ),
    ]


def actions_of(survivor: Survivor) -> Counter[AuditAction]:
    """Return how often each action is in the audit."""
    return Counter(row.entry.action for row in survivor.appliance.audit.rows())


def _whole_versions(survivor: Survivor) -> None:
    for version in survivor.appliance.models.versions():
        survivor.appliance.bundles.contents(version.digest)


def _signs_in(survivor: Survivor, password: str) -> None:
    form = {"username": "bia", "password": password}
    answer = survivor.http.post("/v1/users/auth", data=form)
    assert answer.status_code == httpx.codes.OK, answer.text

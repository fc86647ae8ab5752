"""`spira doctor`: is the box as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    say,
    settings_for,
    show,
)
from appliance.core.errors import StorageFault
from appliance.core.findings import Finding, Severity, worst
from appliance.usecases.canary import sing
from appliance.usecases.doctor import examine

EXIT_ERRORS_FOUND: Final = 8


def doctor(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every recording and try the models, too.")
    ] = False,
    canary: Annotated[
        bool, typer.Option("--canary", help="First let every installed model repeat its results.")
    ] = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the whole box and say what is wrong, what it does, and what to do."""
    from appliance.bootstrap import open_examined  # noqa: PLC0415 - help needs no box

    if canary:
        _let_sing(directory)
    with open_examined(settings_for(directory)) as box:
        findings = examine(box, deep=deep, progress=progress("looking at"))
    show(
        {"findings": [finding_document(finding) for finding in findings]},
        finding_lines(findings),
        as_json=as_json,
    )
    if worst(findings) is Severity.ERROR:
        raise typer.Exit(EXIT_ERRORS_FOUND)


def _let_sing(directory: Path | None) -> None:
    """Try every installed version now; what comes of it is found as that of a night is.

    A box that cannot be opened for it keeps nobody from the rest.
    """
    report = progress("repeated its golden results")
    try:
        with opened(directory) as box:
            for sung in sing(
                actor=ACTOR, room=box.model_room(), audit=box.audit, may_go_on=lambda: True
            ):
                report(sung.version.full_name)
    except StorageFault as fault:
        say(f"The models could not be tried: {fault.detail} ({fault.code})")


def finding_document(finding: Finding) -> dict[str, object]:
    """Return a finding as a program reads it."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "effect": finding.effect,
        "cause": finding.cause,
        "remedy": finding.remedy,
        "details": dict(finding.details),
    }


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield findings as a person reads them."""
    if not findings:
        yield "Nothing found: the box is well."
    for finding in findings:
        yield f"{finding.severity.value}: {finding.code}"
        yield f"  effect: {finding.effect}"
        yield f"  cause:  {finding.cause}"
        yield f"  remedy: {finding.remedy}"
        for name, value in finding.details.items():
            yield f"  {name}: {', '.join(value) if isinstance(value, tuple) else value}"

"""`spira doctor` and `spira audit`: is the box as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer

from appliance.commands.console import (
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    settings_for,
    show,
)
from appliance.core.audit import first_break
from appliance.core.errors import AuditBroken
from appliance.core.findings import Finding, Severity, worst
from appliance.usecases.doctor import examine

EXIT_ERRORS_FOUND: Final = 8

app = typer.Typer(no_args_is_help=True, help="The chain of who did what.")


def doctor(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every recording and try the models, too.")
    ] = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the whole box and say what is wrong, what it does, and what to do."""
    from appliance.bootstrap import open_examined  # noqa: PLC0415 - help needs no box

    with open_examined(settings_for(directory)) as box:
        findings = examine(box, deep=deep, progress=progress("looking at"))
    show(
        {"findings": [_document(finding) for finding in findings]},
        _lines(findings),
        as_json=as_json,
    )
    if worst(findings) is Severity.ERROR:
        raise typer.Exit(EXIT_ERRORS_FOUND)


@app.command(epilog="Example: spira audit verify")
def verify(*, directory: DirectoryOption = None, as_json: JsonOption = False) -> None:
    """Prove that no audit row was changed, removed or put in."""
    with opened(directory) as box:
        seq, last_hash = box.audit.head()
        broken = first_break(box.audit.rows())
    if broken is not None:
        raise AuditBroken(seq=broken.seq, reason=broken.reason)
    show(
        {"audit": {"n_rows": seq, "head": last_hash}},
        [f"{seq} rows, all hold. Head: {last_hash}", "Keep the head elsewhere, to compare later."],
        as_json=as_json,
    )


def _document(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "effect": finding.effect,
        "cause": finding.cause,
        "remedy": finding.remedy,
        "details": dict(finding.details),
    }


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        yield "Nothing found: the box is well."
    for finding in findings:
        yield f"{finding.severity.value}: {finding.code}"
        yield f"  effect: {finding.effect}"
        yield f"  cause:  {finding.cause}"
        yield f"  remedy: {finding.remedy}"
        for name, value in finding.details.items():
            yield f"  {name}: {', '.join(value) if isinstance(value, tuple) else value}"

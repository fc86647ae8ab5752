"""`spira verify`: is a single bit of the box another."""

from __future__ import annotations

from dataclasses import asdict

import typer

from appliance.commands.console import DirectoryOption, JsonOption, progress, settings_for, show
from appliance.commands.doctor import EXIT_ERRORS_FOUND, finding_document, finding_lines
from appliance.core.findings import Severity, worst
from appliance.usecases.verify import verify_box


def verify(*, directory: DirectoryOption = None, as_json: JsonOption = False) -> None:
    """Read everything on the box and say what is not as it was written."""
    from appliance.bootstrap import open_examined  # noqa: PLC0415 - help needs no box

    with open_examined(settings_for(directory)) as box:
        findings, read = verify_box(box, progress=progress("reading"))
    counts = f"{read.n_recordings} recordings, {read.n_bundles} bundles, {read.n_audit_rows}"
    whole = f"Whole: {counts} audit rows and every other row of the database."
    lines = finding_lines(findings) if findings else (whole,)
    show(
        {"findings": [finding_document(finding) for finding in findings], "read": asdict(read)},
        lines,
        as_json=as_json,
    )
    if worst(findings) is Severity.ERROR:
        raise typer.Exit(EXIT_ERRORS_FOUND)

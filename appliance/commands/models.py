"""`spira models` on the box: install, list, activate, roll back, remove, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.compare_models import VersionArgument, compare
from appliance.commands.console import (
    ACTOR,
    EXIT_MODEL_FAULT,
    DirectoryOption,
    JsonOption,
    error_document,
    opened,
    printable,
    progress,
    say,
    show,
    table,
)
from appliance.core.bundle import cautions_of
from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.model import Model, ModelVersion
from appliance.usecases.install_model import install_bundle
from appliance.usecases.models import (
    Verification,
    activate_version,
    find_version,
    remove_version,
    roll_back,
    shadow_version,
    verify_versions,
)

app = typer.Typer(no_args_is_help=True, help="Models: bundles on the box; training in the lab.")

app.command(epilog="Example: spira models compare spiraconv@1.0.0 spiraconv@1.1.0")(compare)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A model.")]


@app.command(epilog="Example: spira models install spiraconv-demo-1.0.0.spira --activate")
def install(
    file: Annotated[Path, typer.Argument(help="A bundle, as `spira models pack` writes it.")],
    *,
    activate: Annotated[bool, typer.Option("--activate", help="Make it active, too.")] = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a bundle whole, score its golden recordings here, and install it."""
    with opened(directory) as box:
        room = box.model_room()
        say("Checking the bundle; scoring its golden recordings on this machine.")
        version, stored = install_bundle(file, actor=ACTOR, room=room)
        if activate:
            version = activate_version(version, default=False, actor=ACTOR, room=room)
        cautions = cautions_of(box.bundles.card(version.digest))
    named = version.full_name
    lines = [f"{named} is {version.state.value}.", *map(_caution_line, cautions)]
    if not activate:
        lines.append(f"Next: spira models show {named}, then spira models activate {named}")
    document = {**_document(version), "cautions": cautions, "stored": stored.value}
    show({"version": document}, lines, as_json=as_json)


@app.command("list", epilog="Example: spira models list")
def list_models(*, directory: DirectoryOption = None, as_json: JsonOption = False) -> None:
    """List the models and their versions."""
    with opened(directory) as box:
        models = box.models.models()
        versions = box.models.versions()
    rows = [
        (v.model_name, v.version, v.state.value, "demonstration" if v.demonstration else "-", v.id)
        for v in versions
    ]
    waiting = [
        (m.name, "-", "waits for a bundle", "-", m.id) for m in models if not m.ever_installed
    ]
    show(
        {
            "models": [_model_document(model) for model in models],
            "versions": [_document(version) for version in versions],
        },
        table(("model", "version", "state", "kind", "id"), [*rows, *waiting]),
        as_json=as_json,
    )


@app.command("show", epilog="Example: spira models show spiraconv-demo")
def show_version(
    version: VersionArgument, *, directory: DirectoryOption = None, as_json: JsonOption = False
) -> None:
    """Show a version and its card: what it is for, how good it is, what it must not be used for."""
    with opened(directory) as box:
        found = find_version(version, models=box.models)
        card = box.bundles.card(found.digest)
    limits = {"t_low": found.t_low, "t_high": found.t_high}
    show(
        {"version": {**_document(found), **limits, "cautions": cautions_of(card)}, "card": card},
        [
            f"{found.full_name} is {found.state.value}, signed by {found.key_fingerprint}.",
            "",
            *map(printable, card.splitlines()),
        ],
        as_json=as_json,
    )


@app.command(epilog="Example: spira models activate spiraconv-demo@1.0.0 --default")
def activate(
    version: VersionArgument,
    *,
    default: Annotated[
        bool, typer.Option("--default", help="Ask this model where none is named.")
    ] = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a version answer from now on, after it repeated its golden results here."""
    with opened(directory) as box:
        found = find_version(version, models=box.models)
        say("Scoring its golden recordings on this machine.")
        active = activate_version(found, default=default, actor=ACTOR, room=box.model_room())
        cautions = cautions_of(box.bundles.card(active.digest))
    show(
        {"version": {**_document(active), "cautions": cautions}},
        [f"{active.full_name} is active.", *map(_caution_line, cautions)],
        as_json=as_json,
    )


@app.command(epilog="Example: spira models shadow spiraconv-demo@1.1.0")
def shadow(
    version: VersionArgument,
    *,
    end: Annotated[bool, typer.Option("--end", help="Let it score no more.")] = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a version score every new inference without being shown to nurses."""
    with opened(directory) as box:
        found = find_version(version, models=box.models)
        shadowed = shadow_version(found, end=end, actor=ACTOR, room=box.model_room())
    show(
        {"version": _document(shadowed)},
        [f"{shadowed.full_name} is {shadowed.state.value}."],
        as_json=as_json,
    )


@app.command(epilog="Example: spira models rollback spiraconv-demo")
def rollback(
    name: NameArgument, *, directory: DirectoryOption = None, as_json: JsonOption = False
) -> None:
    """Let the version that answered before answer again, at once."""
    with opened(directory) as box:
        active = roll_back(box.models.model_named(name), actor=ACTOR, room=box.model_room())
    show(
        {"version": _document(active)},
        [f"{active.full_name} is active again."],
        as_json=as_json,
    )


@app.command(epilog="Example: spira models remove spiraconv-demo@1.0.0")
def remove(
    version: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="The very version.")],
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a version that does not answer away; what it said stays."""
    if not version.partition("@")[2]:
        message = "NAME@VERSION"
        raise InvalidRequest(
            "No version is named; nothing was removed.",
            errors=(FieldError(field="version", code="required", message=message),),
        )
    with opened(directory) as box:
        found = find_version(version, models=box.models)
        remove_version(found, actor=ACTOR, room=box.model_room())
        removed = box.models.version(found.id)
    show(
        {"version": _document(removed)},
        [f"{removed.full_name} is removed; its results stay."],
        as_json=as_json,
    )


@app.command(epilog="Example: spira models verify")
def verify(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="All models if absent.")] = "",
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every installed version whole, and score its golden recordings again."""
    with opened(directory) as box:
        model_id = box.models.model_named(name).id if name else None
        report = progress("verified")
        found = []
        for verification in verify_versions(model_id, room=box.model_room()):
            found.append(verification)
            report(verification.version.full_name)
    show(
        {"versions": [_verification_document(verification) for verification in found]},
        [_verification_line(verification) for verification in found] or ["No version is here."],
        as_json=as_json,
    )
    if any(verification.fault for verification in found):
        raise typer.Exit(EXIT_MODEL_FAULT)


def _model_document(model: Model) -> dict[str, object]:
    return {
        "id": model.id,
        "name": model.name,
        "publishing_channel": model.publishing_channel,
        "is_default": model.is_default,
        "active_version": model.active.version if model.active else None,
    }


def _document(version: ModelVersion) -> dict[str, object]:
    return {
        "id": version.id,
        "model": version.model_name,
        "version": version.version,
        "sequence": version.sequence,
        "state": version.state.value,
        "demonstration": version.demonstration,
        "digest": version.digest,
        "graph_sha256": version.graph_sha256,
        "key_fingerprint": version.key_fingerprint,
        "installed_at": version.installed_at.isoformat(),
    }


def _caution_line(caution: str) -> str:
    return f"Read this: {printable(caution)}"


def _verification_document(verification: Verification) -> dict[str, object]:
    fault = error_document(verification.fault)["error"] if verification.fault else None
    return {**_document(verification.version), "ok": fault is None, "fault": fault}


def _verification_line(verification: Verification) -> str:
    named = verification.version.full_name
    fault = verification.fault
    return (
        f"{named}: {f'{fault.detail} ({fault.code})' if fault else 'whole, golden results agree'}"
    )

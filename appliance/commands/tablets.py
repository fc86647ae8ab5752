"""`spira tablets`: devices that bring work home while nobody is signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from appliance.commands.console import ACTOR, DirectoryOption, JsonOption, opened, show, table
from appliance.core.audit import AuditAction, audited
from appliance.core.errors import TabletNotFound
from appliance.core.tablet import Tablet
from appliance.ports import TabletRecords
from appliance.usecases.tablets import await_tablet

app = typer.Typer(
    no_args_is_help=True,
    help="Enrolled tablets: enrol, list, revoke.",
)

NameArgument = Annotated[str, typer.Argument(help="What IT calls it: a ward and a number.")]


@app.command(epilog="Example: spira tablets enrol 'Ala 3, tablet 2'")
def enrol(
    name: NameArgument,
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a one-time code, to be typed on the tablet within a day."""
    with opened(directory) as box:
        tablet, code = await_tablet(
            name,
            actor=ACTOR,
            clock=box.clock,
            new_id=box.new_id,
            new_secret=box.new_secret,
            tablets=box.tablets,
        )
    show(
        {"tablet": _document(tablet), "code": code},
        [
            f"{tablet.name} ({tablet.id})",
            f"Its code, shown once and good for a day: {code}",
            "Type it on the tablet: Este aparelho, Cadastrar aparelho.",
        ],
        as_json=as_json,
    )


@app.command("list", epilog="Example: spira tablets list")
def list_tablets(*, directory: DirectoryOption = None, as_json: JsonOption = False) -> None:
    """List all tablets: what waits on each, and when it was last heard of."""
    with opened(directory) as box:
        tablets = box.tablets.tablets()
    show(
        {"tablets": [_document(tablet) for tablet in tablets]},
        table(
            ("name", "state", "heard of", "waiting", "oldest", "storage %", "app", "id"),
            [_row(tablet) for tablet in tablets],
        ),
        as_json=as_json,
    )


@app.command(epilog="Example: spira tablets revoke 'Ala 3, tablet 2'")
def revoke(
    name: Annotated[str, typer.Argument(help="Its name, or its id.")],
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a tablet bring nothing more by itself; what nurses send from it still comes."""
    with opened(directory) as box:
        tablet = tablet_named(name, box.tablets)
        entry = audited(AuditAction.TABLET_REVOKED, tablet.id, at=box.clock(), actor=ACTOR)
        box.tablets.revoke_tablet(tablet.id, audit=entry)
    show({"revoked": tablet.id}, [f"{tablet.name} ({tablet.id}) is revoked."], as_json=as_json)


def tablet_named(name: str, tablets: TabletRecords) -> Tablet:
    """Return the tablet of that id, or the one of that name that is not revoked.

    Raises:
        TabletNotFound.
    """
    for tablet in tablets.tablets():
        if name == tablet.id or (name == tablet.name and not tablet.revoked):
            return tablet
    raise TabletNotFound


def _row(tablet: Tablet) -> tuple[object, ...]:
    standing = tablet.standing
    if standing is None:
        told: tuple[object, ...] = (None,) * 5
    else:
        told = (
            _minute(standing.at),
            standing.n_waiting,
            _minute(standing.oldest_at),
            standing.storage_pct,
            standing.app_version,
        )
    return (tablet.name, tablet.state, *told, tablet.id)


def _minute(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _document(tablet: Tablet) -> dict[str, object]:
    standing = tablet.standing
    return {
        "id": tablet.id,
        "name": tablet.name,
        "state": tablet.state.value,
        "created_at": tablet.created_at.isoformat(),
        "code_ends_at": _instant(tablet.code_ends_at),
        "enrolled_at": _instant(tablet.enrolled_at),
        "standing": standing
        and {
            "at": standing.at.isoformat(),
            "app_version": standing.app_version,
            "n_waiting": standing.n_waiting,
            "oldest_at": _instant(standing.oldest_at),
            "storage_pct": standing.storage_pct,
            "highest_seq": standing.highest_seq,
        },
    }

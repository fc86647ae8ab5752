"""`spira rescore`: what another version would have said."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import typer

from appliance.bootstrap import Appliance
from appliance.commands.console import (
    ACTOR,
    EXIT_MODEL_FAULT,
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    show,
)
from appliance.night import lower_priority
from appliance.one_server import is_served
from appliance.usecases.models import find_version
from appliance.usecases.rescore import Rescoring, Step
from appliance.usecases.rescore import rescore as rescored

LOOK_EVERY_S: Final = 0.05
WAIT_AT_MOST_S: Final = 60.0
"""A result that waits longer is stuck, and rescoring is not what keeps it."""

T = TypeVar("T")


def rescore(
    *,
    model: Annotated[
        str, typer.Option(metavar="NAME[@VERSION]", help="Who is asked; else the newest version.")
    ],
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only what came since (UTC)."),
    ] = None,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run stored inferences through another version; no nurse sees or waits for it.

    The results are stored as those of a shadow. Ended at any moment, it goes on where it was
    when it is run again. Ends with status 6 where a run failed: the next run tries it again.
    """
    report = progress("rescored")
    steps: Counter[Step] = Counter()
    stopping = threading.Event()
    with opened(directory) as box:
        version = find_version(model, models=box.models)
        work = Rescoring(
            scoring=box.scoring(),
            audit=box.audit,
            new_id=box.new_id,
            may_go_on=lambda: _when_idle(box, stopping),
        )
        start = since.replace(tzinfo=UTC) if since else None
        scored = rescored(version, since=start, actor=ACTOR, work=work)
        for _, step in _behind_others(scored, stopping):
            steps[step] += 1
            report(f"{steps.total()} inferences, {steps[Step.SCORED]} of them now")
    named = version.full_name
    counts = {step.value: steps[step] for step in Step}
    told = ", ".join(f"{n_inferences} {step}" for step, n_inferences in counts.items())
    show({"version": named, "inferences": counts}, [f"{named}: {told}"], as_json=as_json)
    if steps[Step.FAILED]:
        raise typer.Exit(EXIT_MODEL_FAULT)


def _behind_others(steps: Iterator[T], stopping: threading.Event) -> Iterator[T]:
    """Yield what comes, each made in a thread of the lowest priority, and in its children."""
    with ThreadPoolExecutor(1, initializer=lower_priority) as thread:
        try:
            while (step := thread.submit(next, steps, None).result()) is not None:
                yield step
        finally:  # after Ctrl-C nobody waits for live work to end
            stopping.set()


def _when_idle(box: Appliance, stopping: threading.Event) -> bool:
    """Wait while a server has a result queued or running: live work comes first."""
    until_s = time.monotonic() + WAIT_AT_MOST_S
    while box.models.awaited() and is_served(box.settings.directory):
        if time.monotonic() > until_s or stopping.wait(LOOK_EVERY_S):
            break
    return not stopping.is_set()

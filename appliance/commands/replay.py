"""`spira replay`: does the box still say what it said."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.commands.console import (
    ACTOR,
    EXIT_MODEL_FAULT,
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    show,
    table,
)
from appliance.core.ids import InferenceId, parse_uuid
from appliance.core.result import Answer, Result
from appliance.usecases.replay import TOLERANCE, Replayed
from appliance.usecases.replay import replay as replayed


def replay(
    inference_id: Annotated[str, typer.Argument(metavar="INFERENCE", help="Its id.")],
    *,
    model: Annotated[
        str, typer.Option(metavar="NAME[@VERSION]", help="Only results of this model.")
    ] = "",
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run past results again from what is stored: each must agree to 0.0001.

    Nothing that is stored changes. Ends with status 6 where a result does not agree.
    """
    asked = InferenceId(parse_uuid(inference_id, field="id"))
    report = progress("replayed")
    found = []
    with opened(directory) as box:
        for one in replayed(asked, model, actor=ACTOR, scoring=box.scoring(), audit=box.audit):
            found.append(one)
            report(_named(one))
    show(
        {
            "inference_id": asked,
            "tolerance": TOLERANCE,
            "agrees": all(one.agrees for one in found),
            "results": [_document(one) for one in found],
        },
        table(("model", "stored", "now", "difference", ""), map(_row, found)),
        as_json=as_json,
    )
    if not all(one.agrees for one in found):
        raise typer.Exit(EXIT_MODEL_FAULT)


def _named(one: Replayed) -> str:
    return f"{one.stored.model_name}@{one.stored.model_version or '-'}"


def _row(one: Replayed) -> tuple[str, str, str, str, str]:
    difference = "-" if one.difference is None else f"{one.difference:.1e}"
    stored, now = one.stored, one.answer
    return (
        _named(one),
        _said(stored.probability, stored.error_code or stored.reason or stored.diagnosis),
        _said(now.probability, now.error_code or now.reason or now.diagnosis),
        difference,
        "agrees" if one.agrees else "DOES NOT AGREE",
    )


def _said(probability: float | None, instead: str | None) -> str:
    return f"{probability:.6f}" if probability is not None else f"({instead or '-'})"


def _document(one: Replayed) -> dict[str, object]:
    stored, now = one.stored, one.answer
    return {
        "result_id": stored.id,
        "model_name": stored.model_name,
        "model_version": stored.model_version,
        "graph_sha256": stored.graph_sha256,
        "shadow": stored.shadow,
        "agrees": one.agrees,
        "difference": one.difference,
        "stored": _said_document(stored),
        "now": _said_document(now),
    }


def _said_document(said: Result | Answer) -> dict[str, object]:
    return {
        "probability": said.probability,
        "diagnosis": said.diagnosis,
        "reason": said.reason,
        "error_code": said.error_code,
    }

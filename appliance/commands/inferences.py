"""`spira infer` and `spira inferences`: the main job, from the console."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.bootstrap import Appliance
from appliance.commands.console import (
    ACTOR,
    EXIT_MODEL_FAULT,
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    read_bytes,
    read_json_object,
    say,
    show,
    table,
)
from appliance.commands.users import user_named
from appliance.core.account import Role, User
from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.ids import InferenceId, ResultId, parse_uuid
from appliance.core.inference import Inference, InferenceQuery
from appliance.core.result import Result, ResultState
from appliance.one_server import is_served
from appliance.usecases.consents import withdraw_consent
from appliance.usecases.infer import ConsoleRequest, infer_from_console
from appliance.usecases.predict import predict_next

app = typer.Typer(no_args_is_help=True, help="Inferences: list, show, withdraw.")

LOOK_EVERY_S: Final = 0.05
_UNANSWERED: Final = frozenset({ResultState.QUEUED, ResultState.RUNNING})


def infer(
    *,
    form: Annotated[Path, typer.Option(metavar="FILE", help="The answers, a JSON object.")],
    recording: Annotated[
        list[str], typer.Option(metavar="ROLE=FILE", help="A WAV file; one option a role.")
    ],
    user: Annotated[
        str, typer.Option(help="For whom; needed unless there is exactly one active nurse.")
    ] = "",
    model: Annotated[str, typer.Option(help="Name of a model; the default one if absent.")] = "",
    wait: Annotated[bool, typer.Option(help="Wait for the result.")] = True,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send form and recordings the way of all others, and print the pre-diagnosis.

    A running server computes the result; without one it is computed here. The consent is
    stored as unverified.
    """
    answers = read_json_object(form)
    contents = {role: read_bytes(path) for role, path in _recordings(recording).items()}
    with opened(directory) as box:
        inference = infer_from_console(
            ConsoleRequest(
                user_id=(user_named(user, box) if user else only_nurse(box)).id,
                model_id=box.models.model_named(model).id if model else None,
                form=answers,
                recordings=contents,
            ),
            actor=ACTOR,
            clock=box.clock,
            new_id=box.new_id,
            records=box.submission_records(),
            audio=box.audio,
            queue=box.queue,
        )
        result = _requested(inference.id, box)
        if wait:
            result = _wait_for(result, box, progress=progress("waiting for"))
        inference = box.inferences.inference(inference.id)
    _show_one(inference, (result,), as_json=as_json)
    if result.state is ResultState.ERROR:
        raise typer.Exit(EXIT_MODEL_FAULT)


@app.command("list", epilog="Example: spira inferences list --limit 20")
def list_inferences(
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    after: Annotated[str, typer.Option(help="The cursor printed by the page before.")] = "",
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List inferences, newest first: ids and states, nothing of the patients."""
    with opened(directory) as box:
        page = box.inferences.find(InferenceQuery(limit=limit, after=after or None))
    documents = [_document(inference) for inference in page.inferences]
    names = ("id", "created_in", "status", "diagnosis", "model_name")
    show(
        {"inferences": documents, "next": page.next},
        table(names, [[document[name] for name in names] for document in documents]),
        as_json=as_json,
    )
    if page.next and not as_json:
        say(f"More: spira inferences list --after {page.next}")


@app.command("show", epilog="Example: spira inferences show 4f1c9a52-…")
def show_inference(
    inference_id: Annotated[str, typer.Argument(metavar="ID", help="An inference.")],
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where one inference stands and what each model said; nothing of the patient."""
    asked = InferenceId(parse_uuid(inference_id, field="id"))
    with opened(directory) as box:
        inference = box.inferences.inference(asked)
        results = box.inferences.results(asked)
    _show_one(inference, results, as_json=as_json)


@app.command("withdraw", epilog="Example: spira inferences withdraw 4f1c9a52-…")
def withdraw(
    inference_id: Annotated[str, typer.Argument(metavar="ID", help="An inference.")],
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that the patient took the consent back: no export holds the inference any more."""
    asked = InferenceId(parse_uuid(inference_id, field="id"))
    with opened(directory) as box:
        withdrawal = withdraw_consent(
            asked, actor=ACTOR, clock=box.clock, new_id=box.new_id, inferences=box.inferences
        )
    document = {"inference_id": asked, "withdrawn_at": withdrawal.taken_at.isoformat()}
    show(document, [f"inference {asked}: consent withdrawn"], as_json=as_json)


def _recordings(asked: list[str]) -> dict[str, Path]:
    """Return the file of each role."""
    found: dict[str, Path] = {}
    for pair in asked:
        role, equals, name = pair.partition("=")
        if not (role and equals and name) or role in found:
            message = "write ROLE=FILE, each role once"
            raise InvalidRequest(
                "A recording is not named well.",
                errors=(FieldError(field="recording", code="pair", message=message),),
            )
        found[role] = Path(name)
    return found


def only_nurse(box: Appliance) -> User:
    """Return the one active nurse; whose patient it is must never be guessed.

    Raises:
        InvalidRequest: there is none, or more than one.
    """
    nurses = [user for user in box.accounts.users() if user.active and user.role is Role.NURSE]
    if len(nurses) == 1:
        return nurses[0]
    message = "name one: there is not exactly one active nurse"
    raise InvalidRequest(
        "For whom is it? Name a user with --user.",
        errors=(FieldError(field="user", code="required", message=message),),
    )


def _requested(inference_id: InferenceId, box: Appliance) -> Result:
    return box.inferences.results(inference_id)[0]


def _wait_for(result: Result, box: Appliance, *, progress: Callable[[object], None]) -> Result:
    """Return the answered result; a running server computes it, else this process.

    Here as in a server, what a crash left behind is taken first: only then is this one given.
    """
    try:
        while result.state in _UNANSWERED:
            progress(f"result {result.id}")
            served = is_served(box.settings.directory)
            if served or not (_computed(result.id, box) or _computed(None, box)):
                time.sleep(LOOK_EVERY_S)
            result = _requested(result.inference_id, box)
    finally:
        # After Ctrl-C in mid-run the next worker need not wait for the lease to end.
        box.jobs.release(owner=box.owner)
    return result


def _computed(result_id: ResultId | None, box: Appliance) -> bool:
    """Compute this result, or the next one; return whether there was any to claim."""
    return predict_next(result_id, scoring=box.scoring()) is not None


def _document(inference: Inference) -> dict[str, object]:
    return {
        "id": inference.id,
        "status": inference.status.value,
        "user_id": inference.user_id,
        "created_in": inference.captured_at.isoformat(),
        "received_at": inference.received_at.isoformat(),
        "purpose": inference.purpose.value,
        "protocol": inference.protocol_id,
        "consent": inference.consent.decision.value,
        "model_id": inference.model_id,
        "model_name": inference.model_name,
        "diagnosis": inference.diagnosis.value if inference.diagnosis else None,
        "reason": inference.reason.value if inference.reason else None,
    }


def _result_document(result: Result) -> dict[str, object]:
    return {
        "id": result.id,
        "inference_id": result.inference_id,
        "state": result.state.value,
        "diagnosis": result.diagnosis.value if result.diagnosis else None,
        "reason": result.reason.value if result.reason else None,
        "reason_subject": result.reason_subject,
        "error_code": result.error_code,
        "probability": result.probability,
        "output": list(result.output),
        "model_id": result.model_id,
        "model_name": result.model_name,
        "model_version": result.model_version,
        "graph_sha256": result.graph_sha256,
        "t_low": result.t_low,
        "t_high": result.t_high,
        "demonstration": result.demonstration,
        "shadow": result.shadow,
        "computed_at": result.computed_at.isoformat() if result.computed_at else None,
        "latency_ms": result.latency_ms,
    }


def _show_one(inference: Inference, results: tuple[Result, ...], *, as_json: bool) -> None:
    documents = [_result_document(result) for result in results]
    document: dict[str, object] = {
        "inference": _document(inference),
        "result": documents[0] if documents else None,
    }
    if len(documents) > 1:
        document["results"] = documents
    show(document, _lines(inference, results), as_json=as_json)


def _lines(inference: Inference, results: tuple[Result, ...]) -> Iterator[str]:
    yield f"inference {inference.id}: {inference.status.value}"
    for result in results:
        yield from result_lines(result)


def result_lines(result: Result) -> Iterator[str]:
    """Yield what one model said, and how sure one may be of it."""
    said = result.diagnosis.value if result.diagnosis else "not available"
    because = result.reason or result.error_code
    yield f"pre-diagnosis: {said}{f' ({because})' if because else ''}"
    yield f"  model: {result.model_name} {result.model_version or '-'}"
    if result.probability is not None:
        yield f"  probability: {result.probability:.3f} (positive from {result.t_high})"
    if result.demonstration:
        yield "  DEMONSTRATION: this says nothing of a patient."

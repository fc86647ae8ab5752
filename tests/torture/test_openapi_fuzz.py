"""What the OpenAPI document says, the box does, whoever asks and whatever is sent (S1)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
import schemathesis
import schemathesis.hooks
from schemathesis.engine import events, from_schema
from schemathesis.generation.case import Case
from schemathesis.transport.requests import REQUESTS_TRANSPORT

from tests.system.boxes import Box, Client
from tests.torture.openapi_feed import Feed, wavs
from tests.torture.trial import Trial

ROLES: Final = ("anonymous", "nurse", "researcher", "admin")
"""In this order: what an admin is made to do may end the others' sessions."""

BEYOND_A_SCHEMA: Final = ["400", "410", "415", "422", "507"]
"""A body that fits its schema may still break a rule of the protocol, or be no WAV."""

SIGN_OUT: Final = "DELETE /v1/users/auth"
READS_ARE_ACCEPTED: Final = {
    "include-method": ["GET"],
    "exclude-path": ["/v1/users/{user_id}/inferences", "/v1/hospitals/{hospital_id}/inferences"],
    "checks": {
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "304", "401", "403", "404", "416"]
        }
    },
}

UNKNOWN_FIELDS_PASS: Final = {
    "include-operation-id": "V1UsersUserIdInferencesSubmit2022",
    "checks": {"negative_data_rejection": {"enabled": False}},
}
"""The request of 2022 is read as leniently as its app needs: every field a text, others dropped."""


@dataclass
class Found:
    """What one run met.

    Attributes:
        faults: one text a kind of failure.
        n_answers: by status.
        good: operations that were answered with success.
    """

    faults: dict[str, str] = field(default_factory=dict)
    n_answers: Counter[int] = field(default_factory=Counter)
    good: set[str] = field(default_factory=set)


@pytest.fixture(autouse=True)
def raw_recordings(golden: dict[str, bytes]) -> Iterator[None]:
    """Let the generator send recordings, in multipart bodies and as raw ones."""
    schemathesis.openapi.media_type("audio/wav", wavs(golden))

    @schemathesis.serializer("audio/wav")
    def raw(_context: object, content: Any) -> bytes:  # noqa: ANN401 - whatever was generated
        return content if isinstance(content, bytes) else str(content).encode()

    yield
    REQUESTS_TRANSPORT.unregister_serializer("audio/wav")


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of a body with recordings
def test_the_openapi_document_holds_for_each_role(
    trial: Trial, box: Box, golden: dict[str, bytes]
) -> None:
    """No 5xx, no status, media type or body that is not in the document, no door left open."""
    least = trial.amount(short=2_000, long=10_000)
    clients = {role: box.sign_in(role) for role in ROLES[1:]}
    spare = {role: box.sign_in(role) for role in ROLES[1:]}
    document = clients["admin"].http.get("/schema/openapi.json").json()
    feed = Feed.of(box, clients, golden)
    n_before = n_answered(box)
    found = {}
    for role in ROLES:
        found[role] = run(
            trial, role, document, box, feed, token(clients.get(role)), token(spare.get(role))
        )
        if role in clients:
            answer = clients[role].http.get("/v1/users/me")
            assert answer.status_code == httpx.codes.OK, f"the session of the {role} ended midway"
    n_sent = n_answered(box) - n_before
    faults = [text for one in found.values() for text in one.faults.values()]
    assert not faults, "\n\n".join([f"{len(faults)} kinds of failure", *faults])
    statuses = sum((one.n_answers for one in found.values()), Counter[int]())
    assert not [status for status in statuses if status >= 500]
    assert n_sent >= least
    never = {
        label for label in labels(document) if not any(label in f.good for f in found.values())
    }
    assert not never, f"never answered with success: {sorted(never)}"
    trial.sum_up(
        f"openapi: {n_sent:,} requests as {len(ROLES)} roles (at least {least:,}), 0 answered with"
        f" 5xx, 0 undocumented; {len(labels(document))} operations each reached its good answer"
    )


def run(
    trial: Trial,
    role: str,
    document: dict[str, Any],
    box: Box,
    feed: Feed,
    bearer: str,
    spare: str,
) -> Found:
    """Run every phase as one role, and return what was met."""
    schema = schemathesis.openapi.from_dict(
        document, config=schemathesis.Config.from_dict(settings(trial, role, box, feed, bearer))
    )
    random = trial.random("feed", role)
    own = f"Bearer {bearer}"

    def before_call(_context: object, case: Case[Any], kwargs: dict[str, Any]) -> None:
        del kwargs
        feed.fill(case, role, random)
        if case.operation.label == SIGN_OUT and case.headers.get("Authorization") == own:
            case.headers["Authorization"] = f"Bearer {spare}"

    found = Found()
    schemathesis.hook(before_call)
    try:
        for event in from_schema(schema).execute():
            match event:
                case events.ScenarioFinished():
                    take(event, role, found)
                case events.NonFatalError() | events.FatalError():
                    told = getattr(event, "value", None) or getattr(event, "exception", None)
                    found.faults[f"{told!r:.80}"] = f"{role}: the generator failed: {told}"
    finally:
        schemathesis.hooks.unregister(before_call)
    return found


def settings(trial: Trial, role: str, box: Box, feed: Feed, bearer: str) -> dict[str, Any]:
    """Return the configuration of one run."""
    said: dict[str, Any] = {
        "base-url": box.address,
        "seed": trial.random("schemathesis", role).randrange(2**31),
        "warnings": False,
        "cache": {"enabled": False},  # what another run learned would make a seed mean less
        "continue-on-failure": True,
        "generation": {"max-examples": trial.amount(short=8, long=60), "database": "none"},
        "phases": {
            # What covers every boundary takes a third of a minute a role: in short for two of them.
            "coverage": {"enabled": trial.long or role in {"nurse", "admin"}},
            "stateful": {
                "max-steps": 8,
                "generation": {"max-examples": trial.amount(short=20, long=120)},
            },
        },
        "checks": {
            "positive_data_acceptance": {"expected-statuses": [*ACCEPTED, *BEYOND_A_SCHEMA]}
        },
        "dictionaries": {name: {"values": values} for name, values in feed.ids.items()},
        "parameters": {
            f"path.{name}": {"dictionary": name, "probability": 0.8} for name in feed.ids
        },
        "operations": [READS_ARE_ACCEPTED, UNKNOWN_FIELDS_PASS],
        "auth": {"auto-signup": False},
    }
    if bearer:
        said["auth"]["openapi"] = {"BearerToken": {"bearer": bearer}}
    return said


ACCEPTED: Final = ["2xx", "304", "401", "403", "404", "409", "416", "429"]


def take(event: events.ScenarioFinished, role: str, found: Found) -> None:
    """Remember answers and failures of one scenario."""
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is None:
            continue
        status = interaction.response.status_code
        found.n_answers[status] += 1
        operation = recorder.cases[case_id].value.operation
        # The generator also asks with methods an address does not take, and OPTIONS is answered.
        if status < 400 and interaction.request.method == operation.method.upper():
            found.good.add(operation.label)
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            label = recorder.cases[case_id].value.operation.label
            failure = check.failure_info.failure
            answered = recorder.interactions[case_id].response
            body = answered.content[:300] if answered is not None and answered.content else b""
            found.faults.setdefault(
                f"{label} {check.name} {failure.title}",
                f"{role}, {event.phase.value}: {label}: {check.name}: {failure.title}:"
                f" {failure.message[:600]}\n{check.failure_info.code_sample[:800]}\n{body!r}",
            )


def token(client: Client | None) -> str:
    """Return the token a client bears."""
    return client.http.headers["Authorization"].removeprefix("Bearer ") if client else ""


def labels(document: dict[str, Any]) -> set[str]:
    """Return every operation of the document, as `GET /path`."""
    return {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }


def n_answered(box: Box) -> int:
    """Return how many requests the box has answered, by its own count."""
    text = httpx.get(f"{box.address}/metrics").text
    return sum(
        map(int, re.findall(r"^spira_http_responses_total\{.*\} (\d+)$", text, re.MULTILINE))
    )

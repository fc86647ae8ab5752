"""What a handler says of itself for the OpenAPI document: problems, body, headers, what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec

from appliance.web import problems

BODY: Final = "takes_body"
"""Key of a handler's `opt` under which its body is described."""

HEADERS: Final = "takes_headers"
"""Key of a handler's `opt` under which the headers it reads are described."""

LINKS: Final = "leads_to"
"""Key of a handler's `opt` under which stands what can be done with its answer."""


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with one field."""

    field: str
    code: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error (RFC 9457); more members may follow, ids and counts."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] | msgspec.UnsetType = msgspec.UNSET


_MEANINGS: Final = {
    400: "Not understood, already there, or a digest that differs",
    401: "No token, or one that is not valid any more",
    403: "Not allowed to this user, or asked by a page from elsewhere",
    404: "Nothing there",
    409: "The same id with other content",
    410: "Refused by the patient; the client may forget it",
    411: "Neither Content-Length nor chunks",
    413: "Larger than allowed",
    415: "Another media type than this address takes",
    416: "A range outside of the recording",
    421: "A Host name this box does not answer to",
    422: "Understood, but not valid",
    431: "More than 64 KiB of headers, or a header of more",
    429: "Too many attempts; Retry-After says when",
    500: "A fault of the box, logged under error_id",
    503: "Not ready or not writable",
    507: "The disk is full",
}
ANYWHERE: Final = (400, 403, 421, 431, 500, 503, 507)
"""What every address may answer: 400 and 431 to what is no request that could be read."""


def may_fail(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the descriptions of these problems and those every address may answer."""
    return {
        status: ResponseSpec(
            data_container=Problem,
            generate_examples=False,
            description=_MEANINGS[status],
            media_type=problems.MEDIA_TYPE,
        )
        for status in sorted({*statuses, *ANYWHERE})
    }


def also(
    status: int,
    container: Any,  # noqa: ANN401 - a type
    meaning: str,
    *,
    media_type: str = "application/json",
) -> dict[int, ResponseSpec]:
    """Return the description of one more good answer."""
    return {
        status: ResponseSpec(
            data_container=container,
            generate_examples=False,
            description=meaning,
            media_type=media_type,
        )
    }


def not_modified() -> dict[int, ResponseSpec]:
    """Return the description of the answer to a client that has the newest copy."""
    return also(HTTPStatus.NOT_MODIFIED, None, "The copy at hand is the newest")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakesBody:
    """How a handler's body is described: by a shape, or by a schema of its own."""

    media_type: str
    shape: type[msgspec.Struct] | None = None
    schema: Mapping[str, object] | None = None
    encoding: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakesHeader:
    """A header a handler reads."""

    name: str
    meaning: str
    required: bool = False
    pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A request that can follow an answer.

    Attributes:
        to: method and path, as in `GET /v1/models/{model_id}`.
        on: the status of the answer.
        ids: parameter -> where in the answer (`$response.body#/id`) or in the request it stands.
    """

    to: str
    on: int
    ids: Mapping[str, str]


def takes_json(shape: type[msgspec.Struct]) -> dict[str, TakesBody]:
    """Return the `opt` of a handler that reads this shape from JSON."""
    return {BODY: TakesBody(media_type="application/json", shape=shape)}


def takes(
    media_type: str,
    schema: Mapping[str, object],
    *,
    encoding: Mapping[str, object] | None = None,
) -> dict[str, TakesBody]:
    """Return the `opt` of a handler that reads this media type."""
    return {BODY: TakesBody(media_type=media_type, schema=schema, encoding=encoding)}


def reads(*headers: TakesHeader) -> dict[str, tuple[TakesHeader, ...]]:
    """Return the `opt` of a handler that reads these headers."""
    return {HEADERS: headers}


def leads_to(*links: Link) -> dict[str, tuple[Link, ...]]:
    """Return the `opt` of a handler whose answer leads to these requests."""
    return {LINKS: links}

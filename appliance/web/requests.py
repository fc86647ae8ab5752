"""What comes in, checked before it is believed: media type, size, encoding, depth, then shape."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.enums import RequestEncodingType

from appliance.core.account import User
from appliance.core.errors import (
    FieldError,
    InvalidRequest,
    LengthRequired,
    MalformedRequest,
    UnsupportedMediaType,
)
from appliance.web.multipart import read_texts
from appliance.web.tokens import BearerToken

MAX_JSON_CONTAINERS: Final = 4096
"""Lists and objects in one body; the largest inference has about 150."""

SMALL_BYTES: Final = 8 * 1024
"""A body of this size is read faster than a thread is found for it."""

MAX_FORM_FIELDS: Final = 20
MAX_DEPTH: Final = "max_json_depth"
"""Key of the application's state under which the deepest nesting of a JSON body stands."""

_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_AT: Final = re.compile(r" - at `\$\.?(.*)`$")
_NAMED: Final = re.compile(r"(unknown|missing required) field `(.*?)`")

Body = TypeVar("Body")


class BoxRequest(Request[User, BearerToken, State]):
    """A request whose bodies are read with limits and strict types."""

    @property
    def address(self) -> str:
        """The peer's own address; what proxies claim is not believed."""
        return self.client.host if self.client else "unknown"

    def take_only(self, *media_types: str) -> None:
        """Refuse a body of another media type, or a compressed one.

        Raises:
            UnsupportedMediaType.
        """
        if self.content_type[0].lower() not in media_types:
            raise UnsupportedMediaType(accepted=media_types)
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType("Bodies are not compressed here.", accepted=media_types)

    def require_length(self) -> None:
        """Refuse a body that nothing announces. Raises LengthRequired."""
        if "content-length" not in self.headers and "transfer-encoding" not in self.headers:
            raise LengthRequired

    async def read_json(self, shape: type[Body]) -> Body:
        """Return the JSON body as this shape: strict types, no unknown fields.

        Raises:
            UnsupportedMediaType, MalformedRequest; InvalidRequest: naming the field at fault.
        """
        body, _ = await self.read_json_twice(shape)
        return body

    async def read_json_twice(self, shape: type[Body]) -> tuple[Body, Any]:
        """Return the JSON body as this shape, and the plain values it was made of.

        Raises:
            As `read_json`.
        """
        self.take_only("application/json")
        document = await self.body()
        max_depth: int = self.app.state[MAX_DEPTH]
        if len(document) <= SMALL_BYTES:
            return decoded(document, shape, max_depth=max_depth)
        return await asyncio.to_thread(decoded, document, shape, max_depth=max_depth)

    async def read_fields(self) -> dict[str, str]:
        """Return the texts of a form-encoded body; of a name given twice, the last.

        Raises:
            UnsupportedMediaType, MalformedRequest, TooLarge.
        """
        self.take_only(RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART)
        if self.content_type[0].lower() == RequestEncodingType.MULTI_PART:
            return await read_texts(self.stream(), self.headers["content-type"])
        try:
            pairs = parse_qsl(
                (await self.body()).decode(),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MAX_FORM_FIELDS,
            )
        except ValueError as refusal:
            raise MalformedRequest("The body is not a form in UTF-8.") from refusal
        return dict(pairs)


def decoded(document: bytes, shape: type[Body], *, max_depth: int) -> tuple[Body, Any]:
    """Return a JSON text as this shape, and the plain values it was made of.

    Raises:
        MalformedRequest; InvalidRequest: naming the field at fault.
    """
    brackets = brackets_of(document)
    if brackets.count(b"[") > MAX_JSON_CONTAINERS:
        raise MalformedRequest(
            "The JSON has too many lists and objects.", max_containers=MAX_JSON_CONTAINERS
        )
    if is_deeper_than(brackets, max_depth):
        raise MalformedRequest("The JSON is nested too deep.", max_depth=max_depth)
    try:
        plain = msgspec.json.decode(document)
        return msgspec.convert(plain, type=shape), plain
    except msgspec.ValidationError as refusal:
        raise InvalidRequest(errors=(_field_at_fault(str(refusal)),)) from refusal
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        raise MalformedRequest("The body is not JSON in UTF-8.") from refusal


def brackets_of(document: bytes) -> bytes:
    """Return the brackets of a JSON text that stand outside of its texts, all as `[` and `]`.

    A fixed number of passes that no byte of a client can make slower.
    """
    unescaped = document.replace(rb"\\", b"").replace(rb"\"", b"")
    outside = b"".join(unescaped.split(b'"')[::2])
    return outside.translate(_ONE_KIND, _NO_BRACKETS)


def is_deeper_than(brackets: bytes, max_depth: int) -> bool:
    """Return whether brackets nest deeper: whether any are left once so many levels are peeled.

    What is not balanced counts as deeper if more are left open; else the decoder refuses it.
    """
    for _ in range(max_depth):
        peeled = brackets.replace(b"[]", b"")
        if len(peeled) == len(brackets):
            break
        brackets = peeled
    return b"[]" in brackets or brackets.count(b"[") > max_depth


def _field_at_fault(message: str) -> FieldError:
    """Return the field msgspec blames, without the value it may quote."""
    at = _AT.search(message)
    path = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", at.group(1)) if at else ""
    named = _NAMED.search(message)
    if named:
        path = f"{path}.{named.group(2)}" if path else named.group(2)
        unknown = named.group(1) == "unknown"
        return FieldError(
            field=path,
            code="unknown" if unknown else "required",
            message="is not a field of this request" if unknown else "is missing",
        )
    if message.startswith("Expected "):
        words = message.removeprefix("Expected ").partition(" - at ")[0]
        return FieldError(field=path.strip("."), code="type", message=f"must be {words}")
    return FieldError(field=path.strip("."), code="invalid", message="is not an allowed value")

"""What comes in, checked before it is believed: media type, size, encoding, depth, then shape."""

from __future__ import annotations

import re
from typing import Final, TypeVar
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
from appliance.web.tokens import BearerToken

MAX_JSON_BYTES: Final = 256 * 1024
MAX_JSON_DEPTH: Final = 20
MAX_FORM_FIELDS: Final = 20

# A text (ended or not, so that no byte is looked at twice), or a bracket outside of texts.
_BRACKETS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]', re.DOTALL)
_AT: Final = re.compile(r" - at `\$\.?(.*)`$")
_NAMED: Final = re.compile(r"(unknown|missing required) field `(.*?)`")

Body = TypeVar("Body")


class BoxRequest(Request[User, BearerToken, State]):
    """A request whose bodies are read with limits and strict types."""

    def take_only(self, *media_types: str) -> None:
        """Refuse a body of another media type. Raises UnsupportedMediaType."""
        if self.content_type[0].lower() not in media_types:
            raise UnsupportedMediaType(accepted=media_types)

    def require_length(self) -> None:
        """Refuse a body that nothing announces. Raises LengthRequired."""
        if "content-length" not in self.headers and "transfer-encoding" not in self.headers:
            raise LengthRequired

    async def read_json(self, shape: type[Body]) -> Body:
        """Return the JSON body as this shape: strict types, no unknown fields.

        Raises:
            UnsupportedMediaType, MalformedRequest; InvalidRequest: naming the field at fault.
        """
        self.take_only("application/json")
        body = await self.body()
        if is_deeper_than(body, MAX_JSON_DEPTH):
            raise MalformedRequest("The JSON is nested too deep.", max_depth=MAX_JSON_DEPTH)
        try:
            return msgspec.json.decode(body, type=shape)
        except msgspec.ValidationError as refusal:
            raise InvalidRequest(errors=(_field_at_fault(str(refusal)),)) from refusal
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
            raise MalformedRequest("The body is not JSON in UTF-8.") from refusal

    async def read_fields(self) -> dict[str, str]:
        """Return the texts of a form-encoded body; of a name given twice, the last.

        Raises:
            UnsupportedMediaType, MalformedRequest.
        """
        self.take_only(RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART)
        if self.content_type[0] == RequestEncodingType.MULTI_PART:
            form = await self.form()
            return {name: value for name, value in form.items() if isinstance(value, str)}
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


def is_deeper_than(document: bytes, max_depth: int) -> bool:
    """Return whether a JSON text nests deeper; stops looking as soon as it does."""
    if document.count(b"[") + document.count(b"{") <= max_depth:
        return False
    depth = 0
    for token in _BRACKETS.finditer(document):
        bracket = token.group()
        if bracket in b"[{":
            depth += 1
            if depth > max_depth:
                return True
        elif bracket in b"]}":
            depth -= 1
    return False


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

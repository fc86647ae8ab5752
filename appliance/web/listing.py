"""The parameters of lists: page, order and filters, as in a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec
from litestar import Response

from appliance.core.diagnosis import Diagnosis
from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.ids import HospitalId, ModelId, UserId, parse_uuid
from appliance.core.inference import InferenceQuery, InferenceStatus, Purpose, SortKey
from appliance.web import wire

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
MAX_TEXT_CHARACTERS: Final = 512
_TEXT: Final = {"type": "string", "maxLength": MAX_TEXT_CHARACTERS}
_NOTHING: Final = {"const": ""}
"""An empty parameter is one that was not sent."""


def _one_of(words: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "enum": [*words, ""]}


def _or_empty(*schemas: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [*schemas, _NOTHING]}


def _a_day_or_instant() -> dict[str, Any]:
    formats = ({"type": "string", "format": name} for name in ("date", "date-time"))
    return _or_empty(*formats)


_Read = TypeVar("_Read")


class Order(StrEnum):
    """Rising or falling."""

    ASC = "asc"
    DESC = "desc"


PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "limit": _or_empty({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}),
    "after": _TEXT,
    "sort": _one_of(SortKey),
    "order": _one_of(Order),
    "q": _TEXT,
    "status": _one_of(InferenceStatus),
    "diagnosis": _one_of(Diagnosis),
    "model_id": _or_empty({"type": "string", "format": "uuid"}),
    "local": _TEXT,
    "from": _a_day_or_instant(),
    "to": _a_day_or_instant(),
    "purpose": _one_of(Purpose),
}
"""Parameter of a list -> what it may be, as JSON Schema."""


class Listed(Response[wire.InferenceList]):
    """A page of a list, encoded where it is made and row by row.

    The whole list of 2022 has no end: encoded by the framework, it would hold up every other
    request; encoded at once, it would hold the interpreter.
    """

    def __init__(self, rows: Iterable[dict[str, Any]], *, following: str | None) -> None:
        """Encode these rows; `following` is the cursor of the next page."""
        encoded = [msgspec.json.encode(row) for row in rows]
        super().__init__(wire.InferenceList(inferences=[], next=following))
        self._body = b'{"inferences":[%b],"next":%b}' % (
            b",".join(encoded),
            msgspec.json.encode(following),
        )

    def render(self, content: Any, media_type: str, enc_hook: Any = None) -> bytes:  # noqa: ANN401
        """Return what was encoded."""
        del content, media_type, enc_hook
        return self._body


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a list, as texts."""

    texts: Mapping[str, str]

    def read(self, name: str, parse: Callable[[str], _Read]) -> _Read | None:
        """Return the parameter; None if absent or empty. Raises InvalidRequest."""
        text = self.texts.get(name)
        if not text:
            return None
        try:
            return parse(_bounded(text))
        except (ValueError, OverflowError) as refusal:
            fault = FieldError(field=name, code="invalid", message="is not an allowed value")
            raise InvalidRequest(errors=(fault,)) from refusal


def read_query(
    texts: Mapping[str, str],
    *,
    user_id: UserId | None = None,
    hospital_id: HospitalId | None = None,
    whole_by_default: bool,
) -> InferenceQuery:
    """Return what a list asks for.

    Args:
        texts: the parameters of the request; others than `PARAMETERS` are ignored.
        user_id: whose inferences.
        hospital_id: of which hospital.
        whole_by_default: without any parameter the whole list is meant, as in 2022.

    Raises:
        InvalidRequest: naming the first parameter at fault.
    """
    asked = Asked(texts)
    whole = whole_by_default and not any(texts.get(name) for name in PARAMETERS)
    return InferenceQuery(
        user_id=user_id,
        hospital_id=hospital_id,
        limit=None if whole else asked.read("limit", _limit) or DEFAULT_LIMIT,
        after=asked.read("after", str),
        sort=asked.read("sort", SortKey) or SortKey.CREATED_IN,
        descending=asked.read("order", Order) is not Order.ASC,
        rgh_prefix=asked.read("q", str),
        status=asked.read("status", InferenceStatus),
        diagnosis=asked.read("diagnosis", Diagnosis),
        model_id=asked.read("model_id", _model_id),
        local=asked.read("local", str),
        captured_from=asked.read("from", _first_instant),
        captured_to=asked.read("to", _last_instant),
        purpose=asked.read("purpose", Purpose),
    )


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError(text)
    return text


def _limit(text: str) -> int:
    limit = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(text)
    return limit


def _model_id(text: str) -> ModelId:
    return ModelId(parse_uuid(text, field="model_id"))


def _first_instant(text: str) -> datetime:
    return _instant(text, timedelta(0))


def _last_instant(text: str) -> datetime:
    return _instant(text, timedelta(days=1) - timedelta(microseconds=1))


def _instant(text: str, into_the_day: timedelta) -> datetime:
    """Return an instant in UTC; a bare date is a day in UTC. Raises ValueError."""
    # A plus sign that was not escaped in a query arrives as a blank.
    text = text.replace(" ", "+")
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC) + into_the_day
    except ValueError:
        at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at.astimezone(UTC)

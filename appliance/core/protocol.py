"""A protocol: what is asked, what is recorded, and when a recording is good enough."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from appliance.core import protocol_rules
from appliance.core.consent_text import ConsentText
from appliance.core.errors import FieldError, ProtocolInvalid
from appliance.core.form_field import Field, read_field
from appliance.core.ids import ProtocolId, Sha256
from appliance.core.protocol_schema import DOCUMENT_SCHEMA
from appliance.core.quality import Limit, RoleLimits

MAX_DOCUMENT_BYTES: Final = 1024 * 1024
_MAX_MESSAGE_CHARACTERS: Final = 200
_MAX_FAULTS: Final = 200
_CODES: Final[dict[str, str]] = {"required": "required", "additionalProperties": "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingTask:
    """One recording to take.

    Attributes:
        max_s: the longest take.
        stop_after_s: it stops by itself then; None: only at `max_s`.
        stop_after_silence_s: it stops by itself after such a silence; None: never for that.
        labels: language -> name of the role.
        prompts: language -> what is said or read to the patient.
    """

    role: str
    required: bool
    max_s: float
    stop_after_s: float | None
    stop_after_silence_s: float | None
    labels: Mapping[str, str]
    prompts: Mapping[str, str]
    limits: RoleLimits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Protocol:
    """One version of the protocol; never changed once installed.

    Attributes:
        sha256: of the document's very bytes.
        fields: in the order they are asked.
        form_schema: JSON Schema (2020-12) of the answers.
        recordings: in the order they are taken.
        consents: language -> text.
    """

    id: ProtocolId
    sha256: Sha256
    title: str
    languages: tuple[str, ...]
    fields: tuple[Field, ...]
    form_schema: Mapping[str, Any]
    recordings: tuple[RecordingTask, ...]
    consents: Mapping[str, ConsentText]

    @property
    def required_roles(self) -> tuple[str, ...]:
        """The roles that must be recorded, or explained."""
        return tuple(task.role for task in self.recordings if task.required)

    @property
    def demonstration(self) -> bool:
        """Whether a consent text is one that no CEP approved."""
        return any(text.demonstration for text in self.consents.values())


def parse_protocol(content: bytes) -> Protocol:
    """Return the protocol of a document in UTF-8 JSON, or everything that is wrong with it.

    Raises:
        ProtocolInvalid: `errors` names each fault by its dotted path.
    """
    document = _load(content)
    faults = _schema_faults(document) or list(protocol_rules.faults(document))
    if faults:
        raise ProtocolInvalid(errors=tuple(faults[:_MAX_FAULTS]))
    form = document["form"]
    return Protocol(
        id=ProtocolId(document["id"]),
        sha256=Sha256(hashlib.sha256(content).hexdigest()),
        title=document["title"],
        languages=tuple(document["languages"]),
        fields=tuple(
            read_field(name, field, required=name in form["required"])
            for name, field in form["properties"].items()
        ),
        form_schema=form,
        recordings=tuple(_read_task(task) for task in document["recordings"]),
        consents={
            language: protocol_rules.consent_text(text)
            for language, text in document["consent"].items()
        },
    )


def _load(content: bytes) -> Any:  # noqa: ANN401 - whatever the JSON holds
    """Return the JSON value; keys that come twice and NaN are refused."""
    if len(content) > MAX_DOCUMENT_BYTES:
        raise _not_a_document("too-large", f"is longer than {MAX_DOCUMENT_BYTES} bytes")
    try:
        document = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object_of_pairs,
            parse_constant=_refuse_constant,
        )
        # A lone surrogate can be escaped in JSON, but is no text that could be hashed or shown.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise _not_a_document("json", f"is not JSON in UTF-8: {error}") from error
    return document


def _object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a key comes twice in one object"
        raise ValueError(message)
    return found


def _refuse_constant(name: str) -> None:
    message = f"{name} is not a JSON number"
    raise ValueError(message)


def _not_a_document(code: str, message: str) -> ProtocolInvalid:
    return ProtocolInvalid(errors=(FieldError(field="document", code=code, message=message),))


def _schema_faults(document: object) -> list[FieldError]:
    errors = Draft202012Validator(DOCUMENT_SCHEMA).iter_errors(document)
    return sorted((_fault(error) for error in errors), key=lambda fault: fault.field)


def _fault(error: ValidationError) -> FieldError:
    return FieldError(
        field=".".join(str(part) for part in error.absolute_path) or "document",
        code=_CODES.get(str(error.validator), "invalid"),
        message=error.message[:_MAX_MESSAGE_CHARACTERS],
    )


def _read_task(document: Mapping[str, Any]) -> RecordingTask:
    limits = tuple(Limit(measure=name, **bounds) for name, bounds in document["limits"].items())
    return RecordingTask(
        role=document["role"],
        required=document["required"],
        max_s=document["max_s"],
        stop_after_s=document.get("stop_after_s"),
        stop_after_silence_s=document.get("stop_after_silence_s"),
        labels=document["label"],
        prompts=document["prompt"],
        limits=RoleLimits(limits=limits, decides=document.get("decides", True)),
    )

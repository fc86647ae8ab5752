"""One visit of an import, read from the tables of an export or from a line of an older list."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.export_tables import INFERENCES
from appliance.core.form_columns import NOT_DONE, RGH
from appliance.core.form_field import Field, FieldType
from appliance.core.form_values import read_text
from appliance.core.ids import (
    InferenceId,
    ProtocolId,
    RecordingId,
    Sha256,
    parse_uuid,
)
from appliance.core.inference import Capture, ConsentDecision
from appliance.core.protocol import Protocol
from appliance.core.submission import ConsentRequest

FILE_PATH: Final = "file_path"
"""The column by which a list of 2021 names a sound; a list of rejects names it so, too."""

OTHER: Final = "other"
"""Why a required recording is not there: what was done with it elsewhere is not known."""

_NAMESPACE: Final = uuid.UUID("0b1d3c6e-6f0e-5d0c-9a44-5b2f1c7d2021")
_FIXED: Final = frozenset(column.name for column in INFERENCES)
_PURPOSES: Final = ("study", "future_research", "audio_sharing")


_SILENT: Final = Capture()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table in our words.

    Attributes:
        place: where it stands, for those who have to mend it.
        texts: column -> text; what is empty is not among them.
    """

    place: str
    texts: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return what has to be there. Raises InvalidRequest."""
        if name not in self.texts:
            raise self.refused(name, "required", "needs an answer")
        return self.texts[name]

    def whole(self, name: str) -> int | None:
        """Return a whole number. Raises InvalidRequest."""
        number = self.number(name)
        if number is not None and not number.is_integer():
            raise self.refused(name, "type", "is a whole number")
        return None if number is None else int(number)

    def number(self, name: str) -> float | None:
        """Return a finite number. Raises InvalidRequest."""
        try:
            number = float(self.texts[name]) if name in self.texts else None
        except ValueError:
            number = math.nan
        if number is not None and not math.isfinite(number):
            raise self.refused(name, "type", "is a number")
        return number

    def truth(self, name: str) -> bool | None:
        """Return `true` or `false`. Raises InvalidRequest."""
        text = self.texts.get(name)
        if text not in {None, "true", "false"}:
            raise self.refused(name, "type", "is true or false")
        return None if text is None else text == "true"

    def instant(self, name: str) -> datetime | None:
        """Return an aware instant; a day is its midnight in UTC. Raises InvalidRequest."""
        if name not in self.texts:
            return None
        try:
            at = datetime.fromisoformat(self.texts[name])
            if at.tzinfo is None and len(self.texts[name]) == len("2020-06-01"):
                at = at.replace(tzinfo=UTC)
            if at.tzinfo is not None:
                return at.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise self.refused(name, "format", "is written 2020-06-01 or 2020-06-01T12:00:00Z")

    def known_id(self, name: str) -> str:
        """Return a UUID. Raises InvalidRequest."""
        return parse_uuid(self.text(name), field=f"{self.place}, {name}")

    def refused(self, name: str, code: str, message: str) -> InvalidRequest:
        """Return the error that names a column of this row."""
        fault = FieldError(field=f"{self.place}, {name}", code=code, message=message)
        return InvalidRequest("The import does not fit this box.", errors=(fault,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A sound of a visit.

    Attributes:
        id: its own; None where it is made from its content.
        path: below the place that is imported.
        sha256: what its bytes must have; None: nobody said.
        capture: what the browser did, as far as it was told.
    """

    id: RecordingId | None
    path: str
    role: str
    sha256: Sha256 | None = None
    take: int = 1
    chosen: bool = True
    started_at: datetime | None = None
    gaps: int = 0
    prompt_sha256: str | None = None
    capture: Capture = _SILENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visit as it is to be stored.

    Attributes:
        place: where it stands, for those who have to mend it.
        name: what a list of rejects calls it.
        id: its own; None where it is made from its one sound.
        protocol_id: None: the active one.
        answers: field -> text.
        not_done: role -> reason, as it was told.
    """

    place: str
    name: str
    id: InferenceId | None
    protocol_id: ProtocolId | None
    protocol_sha256: Sha256 | None
    answers: Mapping[str, str]
    captured_at: datetime
    consent: ConsentRequest
    sounds: tuple[Sound, ...]
    not_done: Mapping[str, str]
    stopped_early: bool = False
    clock_offset_s: float | None = None
    app_version: str | None = None

    def unexplained(self, protocol: Protocol) -> Mapping[str, str]:
        """Return why required recordings are not there, for all that are not."""
        here = {sound.role for sound in self.sounds if sound.chosen}
        lacking = dict.fromkeys((r for r in protocol.required_roles if r not in here), OTHER)
        return {**lacking, **{role: why for role, why in self.not_done.items() if role not in here}}


def exported_visit(inference: Row, consents: Sequence[Row], recordings: Sequence[Row]) -> Visit:
    """Return a visit of an export.

    Where it names no patient, the pseudonym stands for the RGH: visits of one stay visits of one.

    Args:
        inference: its row of `inferences.csv`.
        consents: of `consents.csv`, the last of which counts.
        recordings: of `recordings.csv`; those without a sound leave only their absence.

    Raises:
        InvalidRequest: a cell is not what its column holds.
    """
    if not consents:
        raise inference.refused("consent", "required", "has no row in consents.csv")
    answers = {
        name.removeprefix("form_"): text
        for name, text in inference.texts.items()
        if name not in _FIXED and not name.startswith(NOT_DONE)
    }
    if RGH not in answers:
        answers[RGH] = inference.text("patient_id")
    captured_at = inference.instant("created_in")
    if captured_at is None:
        raise inference.refused("created_in", "required", "needs an answer")
    return Visit(
        place=inference.place,
        name=inference.text("id"),
        id=InferenceId(inference.known_id("id")),
        protocol_id=ProtocolId(inference.text("protocol")),
        protocol_sha256=Sha256(inference.text("protocol_sha256")),
        answers=answers,
        captured_at=captured_at,
        consent=_consent(inference, consents[-1], captured_at),
        sounds=tuple(_sound(row) for row in recordings if "path" in row.texts),
        not_done={
            name.removeprefix(NOT_DONE): why
            for name, why in inference.texts.items()
            if name.startswith(NOT_DONE)
        },
        stopped_early=inference.truth("stopped_early") or False,
        clock_offset_s=inference.number("clock_offset_s"),
        app_version=inference.texts.get("app_version"),
    )


def listed_visit(row: Row) -> Visit:
    """Return a visit of a list of 2021: one sound of one person.

    Raises:
        InvalidRequest: it names no file, or nobody says when it was recorded.
    """
    captured_at = row.instant("captured_at")
    if captured_at is None:
        message = "is not in the list: give a day in the alias map, under [defaults]"
        raise row.refused("captured_at", "required", message)
    own = {FILE_PATH, "captured_at", "role"}
    return Visit(
        place=row.place,
        name=row.text(FILE_PATH),
        id=None,
        protocol_id=None,
        protocol_sha256=None,
        answers={name: text for name, text in row.texts.items() if name not in own},
        captured_at=captured_at,
        consent=ConsentRequest(
            decision=ConsentDecision.UNVERIFIED, purposes={}, taken_at=captured_at
        ),
        sounds=(Sound(id=None, path=row.text(FILE_PATH), role=row.text("role")),),
        not_done={},
    )


def id_of(kind: str, sha256: str) -> str:
    """Return the id of what has none of its own: the same sound has the same one."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind} {sha256}"))


def typed_answers(answers: Mapping[str, str], protocol: Protocol) -> dict[str, object]:
    """Return the answers as their fields have them; what has no such type stays a text."""
    fields = {field.name: field for field in protocol.fields}
    return {name: _typed(text, fields.get(name)) for name, text in answers.items()}


def _typed(text: str, field: Field | None) -> object:
    if field is None:
        return text
    if field.type in {FieldType.INTEGER, FieldType.NUMBER}:
        try:
            number = float(text)
        except ValueError:
            return read_text(text, field)
        return int(number) if number.is_integer() else number
    return read_text(text, field)


def _consent(inference: Row, row: Row, captured_at: datetime) -> ConsentRequest:
    told = {name: inference.truth(f"consent_{name}") for name in _PURPOSES}
    decision = row.text("decision")
    if decision not in {one.value for one in ConsentDecision if one.allows_recordings}:
        raise row.refused("decision", "enum", "is no consent to recordings")
    return ConsentRequest(
        decision=ConsentDecision(decision),
        text_sha256=row.texts.get("text_sha256"),
        language=row.texts.get("language"),
        witness_present=row.truth("witness_present"),
        purposes={name: agreed for name, agreed in told.items() if agreed is not None},
        taken_at=row.instant("taken_at") or captured_at,
    )


def _sound(row: Row) -> Sound:
    return Sound(
        id=RecordingId(row.known_id("id")),
        path=row.text("path"),
        role=row.text("role"),
        sha256=Sha256(row.text("sha256")),
        take=row.whole("take") or 1,
        chosen=row.truth("chosen") or False,
        started_at=row.instant("started_at"),
        gaps=row.whole("gaps") or 0,
        prompt_sha256=row.texts.get("prompt_sha256"),
        capture=Capture(
            echo_cancellation=row.truth("echo_cancellation"),
            noise_suppression=row.truth("noise_suppression"),
            auto_gain_control=row.truth("auto_gain_control"),
            voice_isolation=row.truth("voice_isolation"),
            sample_rate_hz=row.whole("capture_sample_rate_hz"),
        ),
    )

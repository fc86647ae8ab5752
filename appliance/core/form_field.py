"""One field of a form: what it asks, which answers it takes, and what others must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Answer: TypeAlias = str | int | float | bool


class FieldType(StrEnum):
    """The JSON type of an answer."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


class FieldFormat(StrEnum):
    """What a text is, beyond being text."""

    DATE = "date"
    DATE_TIME = "date-time"
    CID_10 = "cid-10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The field's meaning in a terminology, for example 2708-6 of http://loinc.org."""

    system: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Values from minimum to maximum, both included; None bounds nothing."""

    minimum: float | None = None
    maximum: float | None = None

    def holds(self, value: float) -> bool:
        """Return whether the value lies inside."""
        over = self.maximum is not None and value > self.maximum
        return not over and not (self.minimum is not None and value < self.minimum)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRange:
    """Values at or under `at_most`, and at or over `at_least`, ask for attention."""

    at_most: float | None = None
    at_least: float | None = None

    def holds(self, value: float) -> bool:
        """Return whether the value asks for attention."""
        low = self.at_most is not None and value <= self.at_most
        return low or (self.at_least is not None and value >= self.at_least)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowIf:
    """When a field is asked: another one is answered, and its answer is one of these.

    Attributes:
        field: the other field, which comes before.
        among: any of these answers; None: any answer at all.
        not_among: none of these answers.
    """

    field: str
    among: tuple[Answer, ...] | None = None
    not_among: tuple[Answer, ...] = ()

    def holds(self, answers: Mapping[str, object]) -> bool:
        """Return whether the field is asked, given the answers to those before it."""
        answer = answers.get(self.field)
        if answer is None or answer in self.not_among:
            return False
        return self.among is None or answer in self.among


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a form.

    Attributes:
        unit: UCUM.
        choices: the answers allowed; empty where any is.
        hard_range: outside it an answer is refused.
        soft_range: outside it an answer is confirmed by a person, never refused.
        labels, helps: language -> words.
        choice_labels: language -> answer -> words.
        group: `essentials` or `research`.
        not_before, not_after: another date field, `captured_at`, or a date; both inclusive.
        from_hospitals: the answer is the name of a hospital of the list.
        identifying: never leaves in an export.
    """

    name: str
    type: FieldType
    required: bool
    format: FieldFormat | None
    unit: str | None
    codes: tuple[Code, ...]
    choices: tuple[str, ...]
    default: Answer | None
    hard_range: Range
    soft_range: Range
    alert_range: AlertRange
    labels: Mapping[str, str]
    helps: Mapping[str, str]
    choice_labels: Mapping[str, Mapping[str, str]]
    group: str
    show_if: ShowIf | None
    not_before: str | None
    not_after: str | None
    from_hospitals: bool
    identifying: bool
    never_to_model: bool


def read_field(name: str, document: Mapping[str, Any], *, required: bool) -> Field:
    """Return the field of its checked property in a form's schema."""
    return Field(
        name=name,
        type=FieldType(document["type"]),
        required=required,
        format=FieldFormat(document["format"]) if "format" in document else None,
        unit=document.get("x-unit"),
        codes=tuple(Code(**code) for code in document.get("x-code", ())),
        choices=tuple(document.get("enum", ())),
        default=document.get("default"),
        hard_range=Range(minimum=document.get("minimum"), maximum=document.get("maximum")),
        soft_range=Range(**document.get("x-soft-range", {})),
        alert_range=AlertRange(**document.get("x-alert-range", {})),
        labels=document["x-label"],
        helps=document.get("x-help", {}),
        choice_labels=document.get("x-enum-labels", {}),
        group=document["x-group"],
        show_if=_read_show_if(document.get("x-show-if")),
        not_before=document.get("x-not-before"),
        not_after=document.get("x-not-after"),
        from_hospitals="x-options" in document,
        identifying=document.get("x-identifying", False),
        never_to_model=document.get("x-never-to-model", False),
    )


def _read_show_if(document: Mapping[str, Any] | None) -> ShowIf | None:
    if document is None:
        return None
    among = document.get("in")
    if "equals" in document:
        among = [document["equals"]]
    return ShowIf(
        field=document["field"],
        among=None if among is None else tuple(among),
        not_among=tuple(document.get("not_in", ())),
    )

"""Answers of the form that a model may use, and so must be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from appliance.core.form_field import Field, FieldType
from appliance.core.manifest import Encoding, Manifest
from appliance.core.manifest_json import is_label_in_disguise
from models.labelled.protocols import shipped_protocol

_NUMBERS: Final = frozenset({FieldType.INTEGER, FieldType.NUMBER})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormAnswer:
    """An answer that a model may use.

    Attributes:
        name: of the field.
        coded: whether it is one of few answers, or a truth value; otherwise it is a number.
        of_model: whether the model in question is told it.
    """

    name: str
    coded: bool
    of_model: bool = False


def answers_for(manifest: Manifest) -> tuple[FormAnswer, ...]:
    """Return what the model's protocol lets any model use, and whatever this one is told.

    Dates and free texts are none: no encoding of a manifest takes them. Where the protocol is not
    of this release, only what the model is told is known.
    """
    own = {one.field: one.encoding is not Encoding.NUMBER for one in manifest.metadata}
    protocol = shipped_protocol(manifest.protocols)
    asked = dict(_asked(protocol.fields)) if protocol else {}
    return tuple(
        FormAnswer(name=name, coded=coded, of_model=name in own)
        for name, coded in {**asked, **own}.items()
    )


def _asked(fields: tuple[Field, ...]) -> Iterator[tuple[str, bool]]:
    """Yield the fields that a model may be told, and whether their answers are coded."""
    for field in fields:
        if field.never_to_model or is_label_in_disguise(field.name):
            continue
        if field.type in _NUMBERS:
            yield field.name, False
        elif field.choices or field.type is FieldType.BOOLEAN:
            yield field.name, True

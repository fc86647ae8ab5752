"""The check letter of a patient number (RGH): a rule each hospital brings as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.patterns import is_simple_pattern

MAX_LENGTH: Final = 32
MAX_WEIGHT: Final = 1_000
N_LETTERS: Final = 26
# Before `A` and before `a`. A tuple: what is compared with it may be unhashable.
LETTER_BASES: Final = (64, 96)


class RghCheck(StrEnum):
    """What the rule says of an RGH; `none` where the hospital has no rule."""

    OK = "ok"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RghRule:
    """An RGH of `length` characters: digits, then a letter computed from them.

    The letter is chr(letter_base + modulus - (sum of weight * digit mod modulus)).

    Attributes:
        pattern: characters the RGH is made of, for example `[0-9]{8}[A-K]`; matched whole.
        length: of the whole RGH, letter included, 2 to 32.
        weights: one a digit, the first digit's first; 0 leaves a digit out.
        modulus: 2 to 26.
        letter_base: code point before the first letter, 64 for `A`.
    """

    pattern: str
    length: int
    weights: tuple[int, ...]
    modulus: int
    letter_base: int

    @classmethod
    def from_document(cls, document: object) -> RghRule:
        """Return the rule of a JSON document.

        Raises:
            InvalidRequest: naming every fault; fields are dotted under `rgh_rule`.
        """
        faults = _faults(document)
        if faults or not isinstance(document, Mapping):
            raise InvalidRequest("The RGH rule is not valid.", errors=tuple(faults))
        return cls(
            pattern=document["pattern"],
            length=document["length"],
            weights=tuple(document["weights"]),
            modulus=document["modulus"],
            letter_base=document["letter_base"],
        )

    def document(self) -> dict[str, object]:
        """Return the rule as JSON has it (`rgh_rule` of the hospital list)."""
        return {
            "pattern": self.pattern,
            "length": self.length,
            "weights": list(self.weights),
            "modulus": self.modulus,
            "letter_base": self.letter_base,
        }

    def letter(self, digits: str) -> str:
        """Return the check letter of `length` - 1 ASCII digits."""
        total = sum(weight * int(digit) for weight, digit in zip(self.weights, digits, strict=True))
        return chr(self.letter_base + self.modulus - total % self.modulus)


HC_RULE: Final = RghRule(
    pattern="[0-9]{8}[A-K]",
    length=9,
    weights=(0, 8, 7, 6, 5, 4, 3, 1),
    modulus=11,
    letter_base=64,
)
"""Hospital das Clínicas: no error in the first digit can be seen, since it has no weight."""


def check(rgh: str, rule: RghRule | None) -> RghCheck:
    """Return whether the letter fits; never a reason to refuse (PROTOCOL.md)."""
    if rule is None:
        return RghCheck.NONE
    if len(rgh) != rule.length or not re.fullmatch(rule.pattern, rgh, flags=re.ASCII):
        return RghCheck.FAILED
    digits = rgh[:-1]
    if not (digits.isascii() and digits.isdigit()) or rgh[-1] != rule.letter(digits):
        return RghCheck.FAILED
    return RghCheck.OK


def _faults(document: object) -> list[FieldError]:
    if not isinstance(document, Mapping):
        return [_fault("rgh_rule", "type", "must be an object")]
    names = {field.name for field in fields(RghRule)}
    missing = sorted(names - set(document))
    unknown = sorted(set(document) - names)
    faults = [_fault(f"rgh_rule.{name}", "required", "is missing") for name in missing]
    faults += [_fault(f"rgh_rule.{name}", "unknown", "is not known") for name in unknown]
    return faults or _value_faults(document)


def _value_faults(document: Mapping[str, object]) -> list[FieldError]:
    length, weights = document["length"], document["weights"]
    faults = []
    if not _integer(length, 2, MAX_LENGTH):
        faults.append(_fault("rgh_rule.length", "range", f"must be 2 to {MAX_LENGTH}"))
    if not isinstance(weights, list) or not all(_integer(w, 0, MAX_WEIGHT) for w in weights):
        faults.append(_fault("rgh_rule.weights", "type", f"must list integers 0 to {MAX_WEIGHT}"))
    elif length != len(weights) + 1:
        faults.append(_fault("rgh_rule.weights", "length", "must be one fewer than length"))
    if not _integer(document["modulus"], 2, N_LETTERS):
        faults.append(_fault("rgh_rule.modulus", "range", f"must be 2 to {N_LETTERS}"))
    if document["letter_base"] not in LETTER_BASES:
        faults.append(_fault("rgh_rule.letter_base", "enum", "must be 64 or 96"))
    if not is_simple_pattern(document["pattern"]):
        faults.append(_fault("rgh_rule.pattern", "pattern", "must be a short, simple pattern"))
    return faults


def _integer(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _fault(field: str, code: str, message: str) -> FieldError:
    return FieldError(field=field, code=code, message=message)

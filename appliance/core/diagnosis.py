"""What a probability means, and when none is worth computing (BUNDLE.md, Results)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from appliance.core.quality import Verdict

if TYPE_CHECKING:
    from appliance.core.manifest import Manifest, Population


class Diagnosis(StrEnum):
    """A pre-diagnosis of respiratory insufficiency: an aid, never a diagnosis."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    INCONCLUSIVE = "inconclusive"


class Reason(StrEnum):
    """Why a result is inconclusive."""

    INVALID_RECORDING = "invalid-recording"
    MISSING_RECORDING = "missing-recording"
    PATIENT_UNABLE = "patient-unable"
    GREY_ZONE = "grey-zone"
    OUTSIDE_INTENDED_USE = "outside-intended-use"
    MODEL_UNAVAILABLE = "model-unavailable"


COULD_NOT: Final = frozenset({"too_breathless", "intubated", "no_voice", "confused"})
"""Reasons of `not_done` that may be a sign of how ill the patient is.

Who cannot read, or speaks another language, could not either, but that says nothing of the
lungs: together with refusals and interruptions it makes the recording merely missing.
"""

_UNKNOWN: Final = "unknown"


def diagnose(probability: float, t_low: float, t_high: float) -> tuple[Diagnosis, Reason | None]:
    """Return positive from `t_high` up, negative from `t_low` down, inconclusive between.

    Where the thresholds are equal, their value is positive: the error that does less harm.

    Args:
        probability: in [0, 1].
        t_low, t_high: of the manifest, 0 <= t_low <= t_high <= 1.
    """
    if probability >= t_high:
        return Diagnosis.POSITIVE, None
    if probability <= t_low:
        return Diagnosis.NEGATIVE, None
    return Diagnosis.INCONCLUSIVE, Reason.GREY_ZONE


def decide_before_run(
    manifest: Manifest,
    *,
    protocol_id: str,
    form: Mapping[str, object],
    verdicts: Mapping[str, str],
    not_done: Mapping[str, str],
    language: str | None,
) -> tuple[Reason, str] | None:
    """Return why the model must not be run, and the role or field at fault; None if it may.

    The order is that of what the staff can do about it. `patient-unable` comes first: it asks to
    look at the patient now. Then what no new recording would mend (`outside-intended-use`), then
    `missing-recording`, then `invalid-recording`. Roles are looked at in the manifest's order.
    A recording that was taken counts, whatever `not_done` says of its role. Optional roles
    never stand in the way.

    Args:
        manifest: of the model version.
        protocol_id: the protocol the inference was taken under.
        form: its normalised answers; a missing or `unknown` answer excludes nobody.
        verdicts: role -> `ok`, `warn` or `fail`, for each role with a chosen recording.
        not_done: role -> reason of the protocol, for recordings that were not taken.
        language: spoken with the patient, for example `pt-BR`; None if not known.
    """
    required = [entry.role for entry in manifest.roles if entry.required]
    absent = [role for role in required if role not in verdicts]
    unable = next((role for role in absent if not_done.get(role) in COULD_NOT), None)
    if unable is not None:
        return Reason.PATIENT_UNABLE, unable
    outside = _outside(manifest, protocol_id=protocol_id, form=form, language=language)
    if outside is not None:
        return Reason.OUTSIDE_INTENDED_USE, outside
    if absent:
        return Reason.MISSING_RECORDING, absent[0]
    failed = next((role for role in required if verdicts[role] == Verdict.FAIL), None)
    return None if failed is None else (Reason.INVALID_RECORDING, failed)


def _outside(
    manifest: Manifest, *, protocol_id: str, form: Mapping[str, object], language: str | None
) -> str | None:
    """Return the first field that puts the patient outside what the model was evaluated on."""
    if protocol_id not in manifest.protocols:
        return "protocol"
    if not _age_fits(form.get("age"), manifest.population):
        return "age"
    population = manifest.population
    listed = (
        ("mask_type", form.get("mask_type"), population.mask_types),
        ("o2_support", form.get("o2_support"), population.o2_supports),
        ("sample_type", form.get("sample_type"), population.sample_types),
        ("language", language, population.languages),
    )
    return next((field for field, found, allowed in listed if not _is_listed(found, allowed)), None)


def _age_fits(age: object, population: Population) -> bool:
    if not isinstance(age, int | float):
        return True
    low, high = population.age_min, population.age_max
    return (low is None or age >= low) and (high is None or age <= high)


def _is_listed(found: object, allowed: tuple[str, ...] | None) -> bool:
    return allowed is None or found in {None, _UNKNOWN} or found in allowed

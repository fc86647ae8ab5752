"""Recordings of people to train on, with labels that medicine gave: what comes of a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.manifest import RoleInput
from models.labelled.cases import LabelledCase, LabelledSet
from models.labelled.faults import Faults
from models.labelled.judging import Judge
from models.labelled.trained_on import recordings_of
from models.model_directory import STATEMENT, Statement
from models.progress import Progress
from models.spiraconv.reference import Features
from models.training.draft import PROTOCOL, draft_statement
from models.training.examples import Example, Examples
from models.training.heard_cases import (
    Sounds,
    digest_of,
    heard_by,
    label_of,
    n_recordings,
    one_session,
    roles_of,
    sounds_of,
)
from models.training.material import Material, Voices
from models.training.patient_split import Part, Shares, Split, split_digest, split_patients
from models.training.plan import TrainingPlan
from models.training.takes import heard_take
from models.voices.cohort import ROLES

_JUDGED_ON: Final = "held-out patients, one session each"


def labelled_voices(
    labelled: LabelledSet,
    plan: TrainingPlan,
    *,
    name: str,
    shares: Shares,
    stated: tuple[Statement, bytes] | None = None,
) -> Voices:
    """Return the voices of a collection, split by patient, before they are heard.

    Left out is what the box would not score: what failed its check (made here where no box did),
    and who lacks a required recording.
    Whoever came more than once is trained on by every session, and judged by one.

    Args:
        labelled: recordings, labels and patients.
        plan: its seed decides who is in which part; its numbers of people are not looked at.
        name: of the model, for a draft of its statement.
        shares: of the parts.
        stated: the author's statement, whose roles count, and its bytes; a draft if None.

    Raises:
        InvalidRequest: a patient has two labels, a part would lack a label, or the statement asks
            for recordings that are not there or that no golden recording can be made of.
        FileMissing: a recording is gone.
    """
    judged = _judged(labelled, stated[0].protocols if stated else (PROTOCOL,))
    roles = roles_of(judged) if stated is None else _stated_roles(stated[0])
    cases = tuple(heard_by(judged, roles))
    n_left_out = len(labelled.cases) - len(cases) + labelled.n_left_out
    split = split_patients(cases, seed=plan.seed, shares=shares, n_left_out=n_left_out)
    split |= {part: one_session(split[part]) for part in (Part.VALIDATION, Part.TEST)}
    n_people = {part: len({case.patient_id for case in split[part]}) for part in Part}
    plan = replace(
        plan,
        n_train=n_people[Part.TRAIN],
        n_validation=n_people[Part.VALIDATION],
        n_test=n_people[Part.TEST],
    )
    return Voices(
        plan=plan,
        digests=_digests(cases, split),
        settings={**_settings(labelled, cases, roles, shares), "n_cases_left_out": n_left_out},
        description=_description(labelled, cases, plan),
        judged_on=_JUDGED_ON,
        roles=roles,
        trained_on=recordings_of((*split[Part.TRAIN], *split[Part.VALIDATION])),
        statement=stated[1] if stated else draft_statement(name, roles),
        hear=partial(_hear, plan, split),
    )


def _judged(labelled: LabelledSet, protocol_ids: Sequence[str]) -> tuple[LabelledCase, ...]:
    return tuple(map(Judge(protocol_ids).judged, labelled.cases))


def _digests(cases: Sequence[LabelledCase], split: Split) -> dict[str, str]:
    return {
        "dataset": digest_of(cases),
        "split": split_digest(split),
        **{part.value: digest_of(split[part]) for part in Part},
    }


def _settings(
    labelled: LabelledSet,
    cases: Sequence[LabelledCase],
    roles: Sequence[RoleInput],
    shares: Shares,
) -> dict[str, str | int | float]:
    return {
        "source": labelled.description,
        "roles": " ".join(f"{e.role}{'' if e.required else ' (optional)'}" for e in roles),
        "n_cases": len(cases),
        "n_recordings": n_recordings(cases),
        "validation_share": shares.validation,
        "test_share": shares.test,
    }


def _stated_roles(statement: Statement) -> tuple[RoleInput, ...]:
    unknown = sorted({entry.role for entry in statement.roles} - set(ROLES))
    if unknown:
        raise InvalidRequest(
            f"{STATEMENT} names recordings that this network is not trained on.",
            errors=tuple(
                FieldError(field="roles", code="role", message=f"{role}: not {', '.join(ROLES)}")
                for role in unknown
            ),
        )
    return statement.roles


def _hear(plan: TrainingPlan, split: Split, progress: Progress) -> Material:
    features, faults = Features(), Faults()
    heard = {
        part: sounds_of(split[part], faults, step=f"recordings, {part}", progress=progress)
        for part in Part
    }
    faults.refuse_any()
    takes = tuple(
        heard_take(samples, label=label_of(case), features=features, augmentation=plan.augmentation)
        for case, sounds in heard[Part.TRAIN]
        for samples in sounds.values()
    )
    return Material(
        takes=takes,
        validation=_examples(heard[Part.VALIDATION], features),
        test=_examples(heard[Part.TEST], features),
        digests={part.value: digest_of(split[part]) for part in Part},
    )


def _examples(heard: Sequence[Sounds], features: Features) -> Examples:
    people = tuple(
        Example(label=label_of(case), windows=tuple(map(features, sounds.values())))
        for case, sounds in heard
    )
    cases = [case for case, _ in heard]
    return Examples(people=people, n_recordings=n_recordings(cases), digest=digest_of(cases))


def _description(labelled: LabelledSet, cases: Sequence[LabelledCase], plan: TrainingPlan) -> str:
    positive = {case.patient_id: case.positive for case in cases}
    changed = plan.augmentation
    said = (
        f"Recordings from {labelled.description}: {len(positive)} patients, "
        f"{sum(positive.values())} of them positive by the labels given, {len(cases)} sessions; "
        "trained, tuned and judged on different patients."
    )
    if changed.share == 0.0:
        return f"{said} Voices were not changed."
    return (
        f"{said} {changed.share:.0%} of the windows trained on had noise added, whatever their "
        f"label, at {', '.join(f'{snr:g}' for snr in changed.snrs_db)} dB; as many were changed in "
        f"level ({changed.gain_db[0]:g} to {changed.gain_db[1]:g} dB), as many in band."
    )

"""Synthetic voices to train on: those of the demonstration model."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from appliance.core.manifest import RoleInput
from models.demonstrating import DEMONSTRATION
from models.model_directory import STATEMENT, read_file
from models.progress import Progress
from models.spiraconv.reference import Features
from models.training.examples import Examples, examples
from models.training.material import Material, Voices
from models.training.plan import TrainingPlan
from models.training.takes import takes_of
from models.voices.cohort import REQUIRED_ROLES, ROLES, Split, people

_DESCRIPTION: Final = (
    "Synthetic voices from a seeded source-filter generator (glottal pulses with jitter and "
    "aspiration, formants, fricatives, phrases, pauses, breathing, room noise), half of them "
    "called patients by construction. No recording of a person was used."
)


def synthetic_voices(plan: TrainingPlan) -> Voices:
    """Return as many synthetic people as the plan says; its seed decides who they are."""
    return Voices(
        plan=plan,
        digests={},
        settings={"source": "synthetic voices"},
        description=_DESCRIPTION,
        judged_on="synthetic test people",
        roles=tuple(RoleInput(role=role, required=role in REQUIRED_ROLES) for role in ROLES),
        trained_on=(),
        statement=read_file(DEMONSTRATION / STATEMENT),
        hear=partial(_hear, plan),
    )


def training_cuts(plan: TrainingPlan) -> np.random.Generator:
    """Return what decides where training recordings are cut."""
    return np.random.default_rng([plan.seed, 1])


def _hear(plan: TrainingPlan, progress: Progress) -> Material:
    features = Features()

    def of(split: Split, n_people: int, cuts: np.random.Generator | None = None) -> Examples:
        return examples(
            people(split, n_people, seed=plan.seed),
            n_people,
            features,
            step=f"voices, {split.name.lower()}",
            progress=progress,
            cuts=cuts,
        )

    train = of(Split.TRAIN, plan.n_train, training_cuts(plan))
    validation = of(Split.VALIDATION, plan.n_validation)
    test = of(Split.TEST, plan.n_test)
    return Material(
        takes=takes_of(train),
        validation=validation,
        test=test,
        digests={
            "train": train.digest,
            "validation": validation.digest,
            "test": test.digest,
        },
    )

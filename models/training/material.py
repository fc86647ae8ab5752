"""What a training is given: voices before they are heard, and what was heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appliance.core.manifest import RoleInput
from models.progress import Progress
from models.training.examples import Examples
from models.training.plan import TrainingPlan
from models.training.takes import Take


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Voices that were heard, in three parts that share nobody.

    Attributes:
        takes: what is learned from.
        validation: chooses the epoch and the thresholds.
        test: judges, once.
        digests: part -> SHA-256 of its labels and samples.
    """

    takes: tuple[Take, ...]
    validation: Examples
    test: Examples
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voices:
    """Whose voices a training is about.

    Attributes:
        plan: all settings.
        digests: that tell these voices from all others, as far as they are known unheard: those
            of their parts, of all of them (`dataset`) and of who is in which part (`split`).
        settings: what else was chosen, by name; logged, and no path among it.
        description: for record, card and manifest: what voices, and what was done to them.
        judged_on: in a few words, beside every metric.
        roles: the recordings the model hears.
        trained_on: SHA-256 of the recordings of people that are learned from or chosen by.
        statement: the author's `bundle.toml`, or a draft of it.
        hear: reads or makes all of them; raises InvalidRequest, FileMissing where one is no sound.
    """

    plan: TrainingPlan
    digests: Mapping[str, str]
    settings: Mapping[str, str | int | float]
    description: str
    judged_on: str
    roles: tuple[RoleInput, ...]
    trained_on: tuple[str, ...]
    statement: bytes
    hear: Callable[[Progress], Material]

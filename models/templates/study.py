"""The people a template learns from and is measured on, and what is said of it afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from appliance.core.manifest import Metric
from appliance.core.wav import write_wav
from models.golden import waveform
from models.kinds.statement import AuthorStatement, read_author_statement
from models.spiraconv.windows import RATE_HZ
from models.training.metrics import THRESHOLD_RULE, GreyZone, grey_zone, metrics
from models.voices.cohort import OPTIONAL_ROLES, Split, person
from models.voices.speaker import Group

WORDS: Final = Path(__file__).with_name("bundle.toml")
_MEASURED: Final = "# --- measured"
_SEED: Final = 1
_N_GOLDEN_CANDIDATES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    """A person: WAV files by role, answers of the form, and 1 for a patient, 0 for a control."""

    recordings: Mapping[str, bytes]
    form: Mapping[str, object]
    label: int

    def inputs(self, statement: AuthorStatement) -> dict[str, NDArray[np.float32]]:
        """Return float32[1, n] by input, read and resampled and encoded as the box does it."""
        heard = {role: waveform(content) for role, content in self.recordings.items()}
        return statement.feed(heard, self.form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Nobody is in two of these."""

    train: tuple[Someone, ...]
    validation: tuple[Someone, ...]
    test: tuple[Someone, ...]
    golden: tuple[Someone, ...]


Score = Callable[[Someone], float]
"""The probability that the model, in its author's own form, gives somebody."""


@cache
def people_of(split: Split, n_people: int) -> tuple[Someone, ...]:
    """Return synthetic people, answers drawn by lot. Put your own here."""
    rng = np.random.default_rng([_SEED, int(split)])
    found = []
    for index in range(n_people):
        drawn = person(split, index, seed=_SEED)
        form = {
            "age": int(rng.integers(20, 91)),
            "gender": str(rng.choice(["Feminino", "Masculino"])),
            "mask_type": str(rng.choice(["NONE", "THIN", "THICK"])),
        }
        recordings = {role: write_wav(pcm, RATE_HZ) for role, pcm in drawn.recordings.items()}
        label = int(drawn.group is Group.PATIENT)
        found.append(Someone(recordings=recordings, form=form, label=label))
    return tuple(found)


def study(n_people: int) -> Study:
    """Return a study that trains on `n_people`, half of them patients; even, 8 or more."""
    return Study(
        train=people_of(Split.TRAIN, n_people),
        validation=people_of(Split.VALIDATION, n_people // 2),
        test=people_of(Split.TEST, n_people // 2),
        golden=_golden(people_of(Split.GOLDEN, _N_GOLDEN_CANDIDATES)),
    )


def _golden(everyone: Sequence[Someone]) -> tuple[Someone, ...]:
    """Return somebody with every recording, and one of the other group without the optional."""
    by_size = sorted(everyone, key=lambda one: sum(map(len, one.recordings.values())))
    complete = next(one for one in by_size if set(OPTIONAL_ROLES) <= one.recordings.keys())
    other = next(
        one
        for one in by_size
        if one.label != complete.label and not set(OPTIONAL_ROLES) & one.recordings.keys()
    )
    return complete, other


def words(name: str) -> AuthorStatement:
    """Return `bundle.toml` as it is before anything was measured. Raises InvalidRequest."""
    return replace(read_author_statement(WORDS), name=name)


def tell(
    directory: Path, name: str, people: Study, score: Score, *, with_probabilities: bool = False
) -> list[str]:
    """Measure a model, and write `bundle.toml`, `golden.json` and its WAV files.

    Args:
        directory: a new one.
        name: of the model.
        people: the thresholds come from `validation`, the figures from `test`.
        score: the model in its author's own form.
        with_probabilities: write those of the golden cases down; an ONNX model has nothing else
            to be held to.

    Returns:
        The paths, to be logged with the model.
    """
    zone = grey_zone(*_scored(people.validation, score))
    found = metrics(*_scored(people.test, score), zone, on="synthetic people")
    directory.mkdir(parents=True)
    head, _, _ = WORDS.read_text().replace("my-model", name, 1).partition(_MEASURED)
    (directory / "bundle.toml").write_text(head + _figures(people.train, zone, found))
    cases = []
    for number, someone in enumerate(people.golden):
        case: dict[str, object] = {
            "id": f"golden-{number}",
            "recordings": {r: f"golden/{number}-{r}.wav" for r in someone.recordings},
            "metadata": someone.form,
        }
        for role, content in someone.recordings.items():
            (directory / f"{number}-{role}.wav").write_bytes(content)
        cases.append(case | ({"probability": score(someone)} if with_probabilities else {}))
    (directory / "golden.json").write_text(json.dumps({"cases": cases}, indent=2))
    return sorted(str(path) for path in directory.iterdir())


def _scored(
    people: Sequence[Someone], score: Score
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found = np.array([score(someone) for someone in people])
    return found, np.array([float(someone.label) for someone in people])


def _figures(train: Sequence[Someone], zone: GreyZone, found: Sequence[Metric]) -> str:
    """Return the tables of `bundle.toml` that are measured."""
    digest = hashlib.sha256()
    for someone in train:
        digest.update(json.dumps([someone.label, someone.form], sort_keys=True).encode())
        for role, content in sorted(someone.recordings.items()):
            digest.update(role.encode() + hashlib.sha256(content).digest())
    tables = [
        "[training]",
        'description = "Synthetic voices, answers drawn by lot."',
        f'digest = "{digest.hexdigest()}"',
        f"n_recordings = {sum(len(someone.recordings) for someone in train)}",
        f"trained_at = {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "",
        "[operating_point]",
        f"t_low = {zone.t_low}",
        f"t_high = {zone.t_high}",
        f"rule = {json.dumps(THRESHOLD_RULE)}",
    ]
    for metric in found:
        tables += ["", "[[metrics]]", f'name = "{metric.name}"', f"value = {metric.value:.4f}"]
        tables += [f"low = {metric.low:.4f}", f"high = {metric.high:.4f}"]
        tables += [f"n = {metric.n}", f'on = "{metric.on}"']
    return "\n".join([*tables, ""])

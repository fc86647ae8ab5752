"""Golden recordings: short, and scored once by PyTorch; every box must repeat the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import GoldenMismatch, InvalidRequest
from appliance.core.manifest import GOLDEN_PREFIX, GoldenCase, MetadataField, RoleInput
from appliance.core.resampling import resample
from appliance.core.wav import read_wav, write_wav
from models.graph_run import GraphRun
from models.model_directory import GOLDEN, GOLDEN_INDEX, encode_json, read_file
from models.spiraconv.parameters import Parameters
from models.spiraconv.reference import Features, Waveforms, window_probabilities
from models.spiraconv.windows import RATE_HZ
from models.training.examples import waveform as own_waveform
from models.training.metrics import GreyZone
from models.voices.cohort import ROLES, Person, Split, person
from models.voices.speaker import Group
from models.whole_file import write_whole

_DECIMALS = 6
_CANDIDATES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSet:
    """The cases, and the bytes of the WAV files they name.

    Attributes:
        files: name in the bundle (`golden/…`) -> content.
    """

    cases: tuple[GoldenCase, ...]
    files: Mapping[str, bytes]

    def waveforms(self, case: GoldenCase) -> Waveforms:
        """Return a case's recordings as the box would give them to the graph."""
        return {role: waveform(self.files[name]) for role, name in case.recordings.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    cases: tuple[GoldenCase, ...]


def waveform(content: bytes) -> NDArray[np.float32]:
    """Return float32[n_samples] at 16 kHz of a WAV file. Raises UnsupportedAudio, InvalidAudio."""
    wav = read_wav(content)
    return resample(wav.waveform(), from_hz=wav.sample_rate_hz, to_hz=RATE_HZ)


def read_golden(directory: Path) -> GoldenSet:
    """Return the golden set of a model directory. Raises FileMissing, InvalidRequest."""
    content = read_file(directory / GOLDEN / GOLDEN_INDEX)
    try:
        cases = msgspec.json.decode(content, type=_Index).cases
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{GOLDEN_INDEX} is malformed: {error}") from error
    names = sorted({name for case in cases for name in case.recordings.values()})
    if not all(name.startswith(GOLDEN_PREFIX) and name.count("/") == 1 for name in names):
        raise InvalidRequest(f"{GOLDEN_INDEX} names files outside {GOLDEN_PREFIX}.")
    return GoldenSet(cases=cases, files={name: read_file(directory / name) for name in names})


def golden_index(cases: tuple[GoldenCase, ...]) -> bytes:
    """Return `golden.json`."""
    return encode_json(_Index(cases=cases))


def write_golden(directory: Path, people: Sequence[Person], parameters: Parameters) -> GoldenSet:
    """Write a golden set of these people, scored by PyTorch and torchaudio, and return it."""
    network, features = parameters.build(), Features()
    cases: list[GoldenCase] = []
    files: dict[str, bytes] = {}
    for number, someone in enumerate(people, start=1):
        case_id = f"{someone.group}-{number}"
        own = {
            f"{GOLDEN_PREFIX}{case_id}-{role}.wav": write_wav(pcm, RATE_HZ)
            for role, pcm in someone.recordings.items()
        }
        files |= own
        heard = {
            role: waveform(own[f"{GOLDEN_PREFIX}{case_id}-{role}.wav"])
            for role in someone.recordings
        }
        scores = window_probabilities(network, features, heard, roles=ROLES)
        cases.append(
            GoldenCase(
                id=case_id,
                recordings=dict(zip(someone.recordings, own, strict=True)),
                metadata={},
                probability=round(float(scores.mean(dtype=np.float64)), _DECIMALS),
            )
        )
    for name, content in files.items():
        write_whole(directory / name, content)
    write_whole(directory / GOLDEN / GOLDEN_INDEX, golden_index(tuple(cases)))
    return GoldenSet(cases=tuple(cases), files=files)


def golden_people(
    parameters: Parameters, zone: GreyZone, *, seed: int, roles: Sequence[RoleInput]
) -> tuple[Person, ...]:
    """Return two patients and two controls: one of each with every role, one with none optional.

    The shortest of forty, so that the bundle stays small, of those the model finds positive and
    negative as it should: they show both answers. How often it does not is for the test people
    to say. From a model that finds nobody so, simply the shortest. Where no role is optional,
    all have every role.

    Args:
        parameters: of the model.
        zone: its thresholds.
        seed: of the voices, synthetic whatever it was trained on: no patient is in a bundle.
        roles: what the model hears.
    """
    required = {entry.role for entry in roles if entry.required}
    everyone = [_heard(one, roles) for one in _candidates(seed)]
    everyone = [one for one in everyone if one.recordings and required <= one.recordings.keys()]
    everyone.sort(key=lambda someone: sum(pcm.size for pcm in someone.recordings.values()))
    network, features = parameters.build(), Features()

    def shows_its_group(someone: Person) -> bool:
        heard = {role: own_waveform(pcm) for role, pcm in someone.recordings.items()}
        scores = window_probabilities(network, features, heard, roles=ROLES)
        if someone.group is Group.PATIENT:
            return bool(scores.mean() >= zone.t_high)
        return bool(scores.mean() <= zone.t_low)

    chosen: list[Person] = []
    for group, complete in product((Group.PATIENT, Group.CONTROL), (True, False)):
        others = [one for one in everyone if one.group is group and one not in chosen]
        alike = [one for one in others if _has_all(one, roles) is complete] or others
        chosen.append(next(filter(shows_its_group, alike), alike[0]))
    return tuple(chosen)


@cache
def _candidates(seed: int) -> tuple[Person, ...]:
    return tuple(person(Split.GOLDEN, index, seed=seed) for index in range(_CANDIDATES))


def _heard(someone: Person, roles: Sequence[RoleInput]) -> Person:
    names = {entry.role for entry in roles}
    kept = {role: pcm for role, pcm in someone.recordings.items() if role in names}
    return replace(someone, recordings=kept)


def check_golden(
    graph: bytes,
    golden: GoldenSet,
    *,
    roles: Sequence[str],
    tolerance: float,
    fields: Sequence[MetadataField] = (),
) -> None:
    """Let the graph repeat every golden score.

    Raises:
        GoldenMismatch: the details name the cases that differ by more than the tolerance.
    """
    run = GraphRun(graph, roles, fields)
    wrong = [
        f"{case.id}: {found:.6f}, not {case.probability:.6f}"
        for case in golden.cases
        for found in [run(golden.waveforms(case), case.metadata).probability]
        if not abs(found - case.probability) <= tolerance
    ]
    if wrong:
        raise GoldenMismatch(cases=tuple(wrong))


def _has_all(someone: Person, roles: Sequence[RoleInput]) -> bool:
    return all(entry.role in someone.recordings for entry in roles)

"""`python -m models.voices DIR`: write synthetic people as a labelled folder, to try things."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from appliance.core.errors import ApplianceError
from appliance.core.wav import write_wav
from models.module_run import run
from models.progress import on_stderr
from models.spiraconv.windows import RATE_HZ
from models.voices.cohort import Split, people
from models.voices.speaker import Group
from models.whole_file import refuse_used, write_whole_directory

_N_PEOPLE: Final = 40
_SEED: Final = 20_261
LABELS: Final = {Group.PATIENT: "positive", Group.CONTROL: "negative"}


def labelled_folder(target: Path, *, n_people: int, seed: int) -> None:
    """Write `LABEL/PATIENT/ROLE.wav` of so many people, half of them patients.

    They are people of the test split: no model of ours was trained on them.

    Args:
        target: does not exist, or is empty.
        n_people: 2 or more.
        seed: the same people for the same seed.

    Raises:
        TargetNotEmpty, TargetUnwritable, DiskFull.
    """
    refuse_used(target)
    contents: dict[str, bytes] = {}
    for number, someone in enumerate(people(Split.TEST, n_people, seed=seed), start=1):
        place = f"{LABELS[someone.group]}/synthetic-{someone.index:03d}"
        for role, pcm in someone.recordings.items():
            contents[f"{place}/{role}.wav"] = write_wav(pcm, RATE_HZ)
        on_stderr("people", number, n_people)
    write_whole_directory(target, contents)


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models.voices", description=__doc__)
    parser.add_argument("target", type=Path, metavar="DIR", help="a new or empty directory")
    parser.add_argument("--people", type=int, default=_N_PEOPLE, help="half of them patients")
    parser.add_argument("--seed", type=int, default=_SEED, help="the same people for the same seed")
    chosen = parser.parse_args(arguments)
    if chosen.people < len(LABELS) or chosen.seed < 0:
        parser.error("--people is 2 or more, --seed 0 or more")
    try:
        labelled_folder(chosen.target, n_people=chosen.people, seed=chosen.seed)
    except ApplianceError as error:
        sys.stderr.write(f"{error} {error.remedy}\n")
        return 1
    sys.stdout.write(f"{chosen.target}\n")
    return 0


if __name__ == "__main__":
    run(main)

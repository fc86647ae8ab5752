"""`python -m models.retrain`: the demonstration model anew, held to what is stated of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.errors import ApplianceError
from models.demonstrating import KEY
from models.module_run import run
from models.pack import PackedBundle, pack
from models.parity import ODD_TOLERANCE, SPEECH_TOLERANCE
from models.progress import Progress, on_stderr
from models.train import TrainedModel, train

STATED_ACCURACY: Final = 0.90
"""What every training of the demonstration model must reach on its synthetic test people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullCheck:
    """A training from nothing, and the bundle packed from it."""

    trained: TrainedModel
    packed: PackedBundle

    @property
    def holds(self) -> bool:
        """Whether the accuracy is what is stated; parity was proved, or there were no bundle."""
        return self.trained.record.metric("accuracy").value >= STATED_ACCURACY

    def __str__(self) -> str:
        """Say what was found, on one line."""
        accuracy, parity = self.trained.record.metric("accuracy"), self.packed.parity
        return (
            f"accuracy {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}), "
            f"stated {STATED_ACCURACY:.2f}; trained in {self.trained.record.training_s:.0f} s; "
            f"parity {parity.worst(SPEECH_TOLERANCE):.1e} on speech, "
            f"{parity.worst(ODD_TOLERANCE):.1e} on odd input; bundle {self.packed.n_bytes} bytes"
        )


def full_check(work_directory: Path, *, progress: Progress) -> FullCheck:
    """Train the demonstration model anew, and pack it.

    Raises:
        ParityBroken, GoldenMismatch: the graph does not say what PyTorch says.
    """
    trained = train(work_directory, progress=progress)
    packed = pack(
        trained.directory, key_path=KEY, target_directory=work_directory, progress=progress
    )
    return FullCheck(trained=trained, packed=packed)


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models.retrain", description=__doc__)
    parser.add_argument("--out", type=Path, help="working directory; a temporary one by default")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="spira-train-") as scratch:
        try:
            check = full_check(chosen.out or Path(scratch), progress=on_stderr)
        except ApplianceError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    sys.stdout.write(f"{check}\n")
    return 0 if check.holds else 1


if __name__ == "__main__":
    run(main)

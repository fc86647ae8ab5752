"""Where a training stands after an epoch: everything the next one depends on, in one file.

The file is a digest and what torch writes. It is read back without running anything that stands in
it (`weights_only`), and appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from appliance.core.errors import FileMissing, InvalidRequest
from models.training.epoch import Epoch
from models.whole_file import write_whole

_N_DIGEST = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """The state of a training between two epochs.

    Attributes:
        epochs: those done.
        network, best: weights now, and after the best epoch.
        optimizer, rate: of AdamW and of its learning rate.
        order: of the generator that draws recordings and windows.
        dropout: of the generator that draws what is left out.
    """

    epochs: tuple[Epoch, ...]
    network: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    optimizer: Mapping[str, Any]
    rate: Mapping[str, Any]
    order: Mapping[str, Any]
    dropout: Tensor


class Kept(Protocol):
    """Where checkpoints are kept."""

    def last(self) -> Checkpoint | None:
        """Return the latest one, if there is one."""

    def keep(self, checkpoint: Checkpoint) -> None:
        """Replace the latest one; killed at any point, one of the two is there, whole."""


class NotKept:
    """Keeps nothing: for trainings of a moment."""

    def last(self) -> Checkpoint | None:
        """Return nothing."""
        return None

    def keep(self, checkpoint: Checkpoint) -> None:
        """Forget it."""
        del checkpoint


class CheckpointFile:
    """The one file of a training."""

    def __init__(self, path: Path) -> None:
        """Keep checkpoints there."""
        self._path = path

    def last(self) -> Checkpoint | None:
        """Return what the file holds, if there is one.

        Raises:
            FileMissing: it cannot be read.
            InvalidRequest: it is damaged.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileMissing(f"{self._path} cannot be read.") from error
        digest, written = content[:_N_DIGEST], content[_N_DIGEST:]
        if hashlib.sha256(written).hexdigest().encode() != digest:
            raise InvalidRequest(
                f"{self._path} is damaged: nothing can be taken up from it. Begin anew (--restart)."
            )
        found = torch.load(io.BytesIO(written), weights_only=True)
        return Checkpoint(**{**found, "epochs": tuple(Epoch(**epoch) for epoch in found["epochs"])})

    def keep(self, checkpoint: Checkpoint) -> None:
        """Replace the file. Raises TargetUnwritable, DiskFull."""
        fields = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__}
        fields["epochs"] = [asdict(epoch) for epoch in checkpoint.epochs]
        written = io.BytesIO()
        torch.save(fields, written)
        content = written.getvalue()
        write_whole(self._path, hashlib.sha256(content).hexdigest().encode() + content)

"""An evaluation is kept: beside its model, or in a directory of its own for a signed bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.evaluation.findings import Evaluation
from models.evaluation.opened import OpenedModel
from models.evaluation.record import EVALUATION, encode_evaluation
from models.evaluation.rendering import as_markdown
from models.evaluation.report import evaluation_blocks, page_of
from models.whole_file import refuse_used, write_whole, write_whole_directory

MARKDOWN: Final = "evaluation.md"
PAGE: Final = "evaluation.html"


def refuse_target(model: OpenedModel, target: Path | None) -> None:
    """Refuse, before an hour of listening, where the evaluation could not be kept.

    Raises:
        TargetNotEmpty.
    """
    if target is not None or model.directory is None:
        refuse_used(_directory(model, target))


def keep(evaluation: Evaluation, model: OpenedModel, target: Path | None) -> Path:
    """Write record, Markdown and page; return their directory.

    In a model directory the record is written last: it is what `pack` goes by, and killed before,
    the old evaluation counts. Another target appears whole or not at all.

    Args:
        evaluation: what to keep.
        model: which it is of.
        target: a new or empty directory; None is the model's own.

    Raises:
        TargetNotEmpty, TargetUnwritable, DiskFull.
    """
    files = {
        MARKDOWN: as_markdown(evaluation_blocks(evaluation)).encode(),
        PAGE: page_of(model.manifest, evaluation).encode(),
        EVALUATION: encode_evaluation(evaluation),
    }
    if target is None and model.directory is not None:
        for name, content in files.items():
            write_whole(model.directory / name, content)
        return model.directory
    directory = _directory(model, target)
    write_whole_directory(directory, files)
    return directory


def _directory(model: OpenedModel, target: Path | None) -> Path:
    return target or Path(f"{model.manifest.name}-{model.manifest.version}-evaluation")

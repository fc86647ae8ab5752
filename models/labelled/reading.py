"""Labelled data of any layout, found out by what lies there."""

from __future__ import annotations

from pathlib import Path

from appliance.core.errors import FileMissing
from models.labelled.cases import LabelledSet
from models.labelled.export_package import is_export, read_export
from models.labelled.faults import refused
from models.labelled.folder import is_folder, read_folder
from models.labelled.table import DEFAULT_ROLE, read_table


def read_labelled(
    source: Path, *, labels: Path | None = None, role: str = DEFAULT_ROLE
) -> LabelledSet:
    """Return labelled cases, sorted by id; every file was there, and its digest is known.

    Args:
        source: a folder (`models.labelled.folder`), a CSV (`models.labelled.table`) or an export
            of a box (`models.labelled.export_package`).
        labels: a CSV of labels; for an export, and only there.
        role: of a CSV's recordings, where no column says.

    Raises:
        InvalidRequest: it is none of these, or not as it should be; the errors name file and line.
        FileMissing: something cannot be read.
    """
    if not source.exists():
        raise FileMissing(f"{source} does not exist or cannot be read.", file=source.name)
    exported = source.is_dir() and is_export(source)
    if exported and labels is None:
        message = "an export needs labels: a CSV patient_id,label or inference_id,label"
        raise refused(source, code="labels", message=message)
    if labels is not None and not exported:
        message = "only an export takes labels from another file; these recordings have their own"
        raise refused(labels, code="labels", message=message)
    if exported and labels is not None:
        return read_export(source, labels)
    if source.is_file():
        return read_table(source, role=role)
    if not is_folder(source):
        message = "neither a folder of positive/ and negative/, nor an export of a box, nor a CSV"
        raise refused(source, code="layout", message=message)
    return read_folder(source)

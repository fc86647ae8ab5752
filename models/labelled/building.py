"""Cases put together from what a source says, whole or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from appliance.core.errors import FileMissing
from appliance.core.manifest import ROLES
from models.labelled.cases import LabelledCase, LabelledSet
from models.labelled.faults import refused

SPOKEN_CONSENT: Final = "aceite"
"""Passed over wherever it lies: no model hears it."""

_BLOCK_BYTES: Final = 1024 * 1024


def is_role(name: str) -> bool:
    """Return whether a model may hear this role."""
    return name in ROLES


def role_words() -> str:
    """Return the roles there are, for an error."""
    return ", ".join(ROLES)


def sha256_of(path: Path) -> str:
    """Return a file's digest. Raises FileMissing."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise FileMissing(f"{path} cannot be read.", file=path.name) from error
    return digest.hexdigest()


def whole(
    cases: Iterable[LabelledCase], source: Path, *, description: str, n_left_out: int = 0
) -> LabelledSet:
    """Return the data of these cases, sorted.

    Raises:
        InvalidRequest: there is nobody of one label, so nothing can be told apart.
    """
    found = tuple(sorted(cases, key=lambda case: case.id))
    n_positive = sum(case.positive for case in found)
    if not 0 < n_positive < len(found):
        message = (
            f"{n_positive} positive and {len(found) - n_positive} negative cases with a label: "
            "at least one of each is needed"
        )
        raise refused(source, code="labels", message=message)
    return LabelledSet(cases=found, description=description, n_left_out=n_left_out)

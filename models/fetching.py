"""Files of a logged model, fetched one by one, so that what was broken off goes on."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import requests

from appliance.core.errors import ModelSourceUnavailable
from models.mlflow_import import (
    STORE_FAULTS,
    ArtifactRepository,
    MlflowException,
    artifact_repository,
)
from models.progress import Progress
from models.whole_file import write_fault

_ANSWERS_WITHIN_S: Final = 5.0
_PART: Final = ".part"


def require_answer(tracking_uri: str) -> None:
    """Ask an MLflow server once whether it is there: MLflow itself would try for minutes.

    Raises:
        ModelSourceUnavailable: it did not answer within five seconds. A file is not asked.
    """
    parts = urlsplit(tracking_uri)
    if parts.scheme not in {"http", "https"}:
        return
    host = parts.netloc.rpartition("@")[2]
    address = urlunsplit((parts.scheme, host, f"{parts.path.rstrip('/')}/health", "", ""))
    try:
        requests.get(address, timeout=_ANSWERS_WITHIN_S).close()
    except requests.RequestException as error:
        raise ModelSourceUnavailable(
            f"No MLflow server answers at {host}: check the network and the address, or whether "
            "the server runs.",
            host=host,
            reason=type(error).__name__,
        ) from None  # the cause would repeat the credentials of the address


def staging_of(target: Path, model_uri: str) -> Path:
    """Return where the files of that model wait until all are there, beside the target."""
    key = hashlib.sha256(model_uri.encode()).hexdigest()[:12]
    target = target.resolve()
    return target.parent / f".{target.name}-{key}.pulling"


def fetch(files_uri: str, staging: Path, *, progress: Progress) -> None:
    """Bring all files of a model there; those that are there whole are not fetched again.

    Args:
        files_uri: of what never changes: a version, a logged model, a run's directory; no alias.
        staging: from `staging_of`; stays if anything is raised, so that the next try goes on.
        progress: told of each file.

    Raises:
        ModelSourceUnavailable: there are no files, or fetching broke off.
        MlflowException: MLflow knows no such model.
        STORE_FAULTS: the store of its files does not answer; a refusal is an MlflowException's
            context.
        TargetUnwritable, DiskFull.
    """
    try:
        repository = artifact_repository(files_uri)
        wanted = list(_files(repository, None))
    except ImportError as error:
        raise ModelSourceUnavailable(
            f"Its files are kept where {error.name} is needed, which is not here: let the MLflow "
            "server hand them out itself (mlflow server --artifacts-destination).",
            missing=error.name,
        ) from error
    if not wanted:
        raise ModelSourceUnavailable(f"No files are kept at {without_credentials(files_uri)}.")
    for n_done, (name, n_bytes) in enumerate(wanted, start=1):
        place = staging / name
        if not place.is_file() or place.stat().st_size != n_bytes:
            try:
                _fetch_one(repository, name, place, scratch=staging / _PART)
            except (MlflowException, requests.RequestException, *STORE_FAULTS) as error:
                raise ModelSourceUnavailable(
                    f"Fetching broke off at {name}, {n_done - 1} of {len(wanted)} files are here: "
                    "pull again to go on.",
                    file=name,
                    reason=type(error).__name__,
                ) from None  # the cause may repeat credentials
            except OSError as error:
                raise write_fault(error) from error
        progress("fetching", n_done, len(wanted))


def _fetch_one(repository: ArtifactRepository, name: str, place: Path, *, scratch: Path) -> None:
    """Bring a file to its place; half of it is never seen there."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    repository.download_artifacts(name, dst_path=str(scratch))  # type: ignore[no-untyped-call]
    place.parent.mkdir(parents=True, exist_ok=True)
    (scratch / name).replace(place)
    shutil.rmtree(scratch)


def _files(
    repository: ArtifactRepository, directory: str | None
) -> Iterator[tuple[str, int | None]]:
    """Yield path of each file, and length in bytes where it is known."""
    for entry in repository.list_artifacts(directory):
        place = PurePosixPath(entry.path)
        if place.is_absolute() or ".." in place.parts:
            raise ModelSourceUnavailable("MLflow names a file outside the model.", file=entry.path)
        if entry.is_dir:
            yield from _files(repository, entry.path)
        else:
            yield entry.path, entry.file_size


def without_credentials(text: str) -> str:
    """Return the text without user and password of the addresses in it."""
    return re.sub(r"//[^/@\s]*@", "//", text)

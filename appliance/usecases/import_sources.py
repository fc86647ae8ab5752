"""What can be imported: an export of a box, and SPIRA's lists of 2021; read row by row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TextIO, TypeAlias

from appliance.core.csv_text import delimiter_of, unguarded
from appliance.core.data_package import NAME as PACKAGE
from appliance.core.errors import FieldError, FileMissing, InvalidRequest
from appliance.core.ids import Sha256
from appliance.core.import_aliases import OF_2021, Aliases
from appliance.core.import_visit import FILE_PATH, Row, Visit, exported_visit, listed_visit
from appliance.usecases.export import SUMS
from appliance.usecases.whole_directory import file_sha256

TABLES: Final = ("inferences.csv", "recordings.csv", "consents.csv")
NO_UTF_8: Final = "is not UTF-8: save it as CSV UTF-8"
_OWNER: Final = "inference_id"

Read: TypeAlias = Iterator[Visit | InvalidRequest]
"""Visits, and in the place of those that cannot be read, why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place visits are read from, as often as one likes.

    Attributes:
        root: sounds are below it.
        sha256: of what names all the rest.
        visits: begins to read anew.
    """

    root: Path
    sha256: Sha256
    visits: Callable[[], Read]


def import_source(place: Path, aliases: Aliases) -> Source:
    """Return what lies there: an export (a directory) or a list of 2021 (a CSV file).

    Raises:
        FileMissing: nothing is there.
        InvalidRequest: it is neither, is not whole, or is not as it was written.
    """
    if place.is_file():
        names = _first_line(place)
        columns = names.split(delimiter_of(names))
        known = {ours for one in columns for ours in aliases.columns.get(one, (one,))}
        if FILE_PATH not in known:
            raise _refused(place.name, "header", f"has no column {FILE_PATH}")
        return Source(
            root=place.parent,
            sha256=Sha256(file_sha256(place)),
            visits=lambda: _listed(place, aliases.over(OF_2021)),
        )
    if not place.is_dir():
        raise FileMissing(f"{place} does not exist or cannot be read.")
    if not (place / PACKAGE).is_file() or not (place / SUMS).is_file():
        message = f"holds no {PACKAGE} and {SUMS}: it is no export, or not a whole one"
        raise _refused(place.name, "format", message)
    _refuse_changed(place)
    return Source(
        root=place,
        sha256=Sha256(file_sha256(place / SUMS)),
        visits=lambda: _exported(place, aliases),
    )


def _refuse_changed(place: Path) -> None:
    """Hold the tables to their sums; each sound is held to its row when it is read."""
    with _read(place / SUMS) as file:
        pairs = (line.rstrip("\n").split("  ", 1) for line in file)
        sums = {pair[-1]: pair[0] for pair in pairs if pair[-1] in TABLES}
    for name in TABLES:
        if not (place / name).is_file() or file_sha256(place / name) != sums.get(name):
            raise _refused(name, "digest", f"is not what {SUMS} says: copy the export again")


def _listed(place: Path, aliases: Aliases) -> Read:
    for row in _rows(place, delimiter=delimiter_of(_first_line(place))):
        yield _or_refused(partial(listed_visit, _told(row, aliases)))


def _exported(place: Path, aliases: Aliases) -> Read:
    consents = _Followers(_rows(place / "consents.csv", read=unguarded))
    recordings = _Followers(_rows(place / "recordings.csv", read=unguarded))
    for row in _rows(place / "inferences.csv", read=unguarded):
        owner = row.texts.get("id", "")
        told = _told(row, aliases)
        yield _or_refused(partial(exported_visit, told, consents.of(owner), recordings.of(owner)))
    for followers in (consents, recordings):
        if followers.next is not None:
            yield followers.next.refused(_OWNER, "order", "is of no row of inferences.csv in order")


class _Followers:
    """Rows that belong to others, in the same order as those."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.next = next(rows, None)

    def of(self, owner: str) -> list[Row]:
        """Return the next rows, as far as they belong to this one."""
        found = []
        while self.next is not None and self.next.texts.get(_OWNER) == owner:
            found.append(self.next)
            self.next = next(self._rows, None)
        return found


def _or_refused(visit: Callable[[], Visit]) -> Visit | InvalidRequest:
    try:
        return visit()
    except InvalidRequest as error:
        return error


def _told(row: Row, aliases: Aliases) -> Row:
    return Row(place=row.place, texts=aliases.told(row.texts))


def _rows(path: Path, *, delimiter: str = ",", read: Callable[[str], str] = str) -> Iterator[Row]:
    """Yield the rows of a CSV file, without empty cells.

    Raises:
        InvalidRequest: it is no CSV in UTF-8.
    """
    with _read(path) as file:
        rows = csv.DictReader(file, delimiter=delimiter, strict=True)
        try:
            for row in rows:
                place = f"{path.name} line {rows.line_num}"
                if None in row or None in row.values():
                    raise _refused(place, "length", "has not as many cells as the first line")
                yield Row(
                    place=place, texts={name: read(text) for name, text in row.items() if text}
                )
        except UnicodeDecodeError as error:
            raise _refused(path.name, "encoding", NO_UTF_8) from error
        except csv.Error as error:
            message = f"is no CSV: {error}"
            raise _refused(f"{path.name} line {rows.line_num + 1}", "format", message) from error


def _first_line(path: Path) -> str:
    """Return the names of the columns, undivided. Raises InvalidRequest."""
    with _read(path) as file:
        try:
            return file.readline().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise _refused(path.name, "encoding", NO_UTF_8) from error


def _read(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise FileMissing(f"{path} does not exist or cannot be read.") from error


def _refused(name: str, code: str, message: str) -> InvalidRequest:
    fault = FieldError(field=name, code=code, message=message)
    return InvalidRequest("This cannot be imported.", errors=(fault,))

"""A list of accounts from a spreadsheet: one line an account, read whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.core.account import MAX_NAME_CHARACTERS, Role, check_email, own_email
from appliance.core.csv_text import delimiter_of
from appliance.core.errors import EmailMalformed, FieldError, InvalidRequest
from appliance.core.names import checked_name

MAX_ACCOUNTS: Final = 10_000
HEADER: Final = ("username", "role", "email", "hospitals")
"""`username` is required; `role` is nurse where it is empty; `hospitals` are divided by `|`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedUser:
    """An account of the list.

    Attributes:
        line: where it stands in the file, the header being line 1.
        email: as listed, or the box's own where none is.
        hospitals: their names.
    """

    line: int
    username: str
    role: Role
    email: str
    hospitals: tuple[str, ...]


def read_user_list(
    text: str, *, hospitals: frozenset[str], box_name: str
) -> tuple[ListedUser, ...]:
    """Return the accounts of a CSV file, divided by commas or semicolons.

    Args:
        text: the file, with a header of `HEADER`'s columns in any order.
        hospitals: the names there are.
        box_name: what the addresses are made of that nobody gave.

    Raises:
        InvalidRequest: its errors name every line and column that is not as it should be.
    """
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter_of(text), strict=True)
    faults: list[FieldError] = []
    found: list[ListedUser] = []
    try:
        _refuse_header(rows.fieldnames or ())
        for row in rows:
            if any(value for value in row.values()):
                listed, wrong = _listed(row, rows.line_num, hospitals, box_name)
                faults += wrong
                found += [listed] if listed else []
    except csv.Error as error:
        raise _refused(FieldError(field="file", code="format", message=str(error))) from error
    faults += _twice(found)
    if len(found) > MAX_ACCOUNTS:
        faults.append(FieldError(field="file", code="length", message=f"over {MAX_ACCOUNTS} lines"))
    if faults:
        raise _refused(*faults)
    return tuple(found)


def _refuse_header(names: Sequence[str]) -> None:
    given = {name or "" for name in names}
    if "username" not in given or given - set(HEADER):
        message = f"the first line names columns of {', '.join(HEADER)}, username among them"
        raise _refused(FieldError(field="file", code="header", message=message))


def _listed(
    row: Mapping[str, str | None], line: int, hospitals: frozenset[str], box_name: str
) -> tuple[ListedUser | None, list[FieldError]]:
    if None in row or None in row.values():
        return None, [_fault(line, "columns", "count", "more or fewer cells than the header")]
    cells = {name: (row.get(name) or "").strip() for name in HEADER}
    named = tuple(name.strip() for name in cells["hospitals"].split("|") if name.strip())
    username = cells["username"]
    email = cells["email"] or own_email(username, box_name=box_name)
    wrong = [
        *(_wrong_name(username, line) or _wrong_email(email, line, given=cells["email"])),
        *_wrong_role(cells["role"], line),
        *(
            _fault(line, "hospitals", "unknown", f"no hospital {n}")
            for n in named
            if n not in hospitals
        ),
    ]
    if wrong:
        return None, wrong
    role = Role(cells["role"] or Role.NURSE)
    listed = ListedUser(
        line=line,
        username=username,
        role=role,
        email=email,
        hospitals=named,
    )
    return listed, []


def _wrong_name(username: str, line: int) -> list[FieldError]:
    try:
        checked_name(username, what="", field="username", max_characters=MAX_NAME_CHARACTERS)
    except InvalidRequest as error:
        return [_fault(line, one.field, one.code, one.message) for one in error.errors]
    return []


def _wrong_role(role: str, line: int) -> Iterator[FieldError]:
    if role and role not in set(Role):
        yield _fault(line, "role", "unknown", f"one of {', '.join(Role)}")


def _wrong_email(email: str, line: int, *, given: str) -> list[FieldError]:
    try:
        check_email(email)
    except EmailMalformed as error:
        remedy = error.remedy if given else "none can be made of this username; give one"
        return [_fault(line, "email", error.code, remedy)]
    return []


def _twice(found: list[ListedUser]) -> Iterator[FieldError]:
    for column in ("username", "email"):
        seen: dict[str, int] = {}
        for listed in found:
            key = str(getattr(listed, column)).casefold()
            if key in seen:
                yield _fault(listed.line, column, "twice", f"stands in line {seen[key]}, too")
            seen.setdefault(key, listed.line)


def _fault(line: int, column: str, code: str, message: str) -> FieldError:
    return FieldError(field=f"line {line}, {column}", code=code, message=message)


def _refused(*faults: FieldError) -> InvalidRequest:
    return InvalidRequest("The list of accounts is not as it should be.", errors=faults)

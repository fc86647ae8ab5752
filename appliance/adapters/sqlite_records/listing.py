"""One page of a list: a WHERE, an ORDER BY that an index answers, and a cursor."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import suppress

from appliance.adapters.sqlite_records.columns import instant_text
from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.inference import InferenceQuery, SortKey

_COLUMNS = {
    SortKey.CREATED_IN: "captured_at",
    SortKey.LOCAL: "local",
    SortKey.RGH: "rgh",
    SortKey.MODEL_NAME: "model_name",
    SortKey.STATUS: "status",
    SortKey.DIAGNOSIS: "diagnosis",
}


def page_rows(
    connection: sqlite3.Connection, query: InferenceQuery
) -> tuple[list[sqlite3.Row], str | None]:
    """Return the rows of `inferences` on this page, and the cursor of the next one.

    Absent values sort before all others. Rows that are equal in the sorted column are in the
    order of their ids.

    Raises:
        InvalidRequest: the cursor is not one of this list in this order.
    """
    column = _COLUMNS[query.sort]
    conditions, values = _filters(query)
    if query.after is not None:
        sign = "<" if query.descending else ">"
        conditions.append(f"({column}, id) {sign} (?, ?)")
        values += _place(connection, query, column)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    order = "DESC" if query.descending else "ASC"
    # One row more than asked for tells whether there is a next page.
    n_rows = -1 if query.limit is None else query.limit + 1
    # The names come from the table above; every value is bound.
    rows = connection.execute(
        f"SELECT * FROM inferences {where} ORDER BY {column} {order}, id {order} LIMIT ?",  # noqa: S608
        (*values, n_rows),
    ).fetchall()
    if query.limit is None or len(rows) <= query.limit:
        return rows, None
    rows.pop()
    return rows, _cursor(query, rows[-1]["id"]) if rows else None


def _filters(query: InferenceQuery) -> tuple[list[str], list[str | int]]:
    equal = {
        "user_id": query.user_id,
        "hospital_id": query.hospital_id,
        "status": query.status,
        "diagnosis": query.diagnosis,
        "model_id": query.model_id,
        "local": query.local,
        "purpose": query.purpose,
    }
    conditions = [f"{column} = ?" for column, value in equal.items() if value is not None]
    values: list[str | int] = [value for value in equal.values() if value is not None]
    if query.rgh_prefix is not None:
        conditions.append("substr(rgh, 1, ?) = ?")
        values += [len(query.rgh_prefix), query.rgh_prefix]
    if query.captured_from is not None:
        conditions.append("captured_at >= ?")
        values.append(instant_text(query.captured_from))
    if query.received_from is not None:
        conditions.append("received_at >= ?")
        values.append(instant_text(query.received_from))
    if query.captured_to is not None:
        conditions.append("captured_at <= ?")
        values.append(instant_text(query.captured_to))
    return conditions, values


def _cursor(query: InferenceQuery, inference_id: str) -> str:
    """Return where a page ended, bound to the order it was in.

    It becomes part of an address, so it holds an id and never what the list is sorted by.
    """
    place = [query.sort.value, query.descending, inference_id]
    text = json.dumps(place, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(connection: sqlite3.Connection, query: InferenceQuery, column: str) -> tuple[str, str]:
    """Return sorted value and id the cursor stands at, of an inference this list may show."""
    inference_id = _id_in(query)
    # The name comes from the table above; every value is bound.
    row = connection.execute(
        f"SELECT {column} FROM inferences WHERE id = ?"  # noqa: S608
        " AND user_id = coalesce(?, user_id) AND hospital_id IS coalesce(?, hospital_id)",
        (inference_id, query.user_id, query.hospital_id),
    ).fetchone()
    if row is None:
        raise _foreign_cursor()
    return row[column], inference_id


def _id_in(query: InferenceQuery) -> str:
    """Return the id in the cursor; only our own spelling is taken."""
    after = query.after or ""
    padded = after + "=" * (-len(after) % 4)
    with suppress(ValueError, TypeError, RecursionError):
        _, _, inference_id = json.loads(base64.urlsafe_b64decode(padded))
        if _cursor(query, str(inference_id)) == after:
            return str(inference_id)
    raise _foreign_cursor()


def _foreign_cursor() -> InvalidRequest:
    return InvalidRequest(
        "The cursor does not belong to this list in this order.",
        errors=(FieldError(field="after", code="cursor", message="not a cursor of this list"),),
    )

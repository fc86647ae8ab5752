"""Every error as an answer: the one table from error to HTTP status, and RFC 9457 bodies.

Bodies hold codes, ids and counts. What nobody expected is logged under an id, and the id is
all that the client learns of it.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from appliance.core import errors as e
from appliance.core.errors import ApplianceError, FieldError

MEDIA_TYPE: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:spira:error:"
_MAX_FIELD_CHARACTERS: Final = 128
_MISSING: Final = re.compile(r"Missing required \w+ parameter '(\w+)'")
_CLIENT_LEFT: Final = "client disconnected prematurely"
_log = logging.getLogger(__name__)

STATUS: Final[Mapping[type[ApplianceError], HTTPStatus]] = {
    # Families first: what a leaf has unless it is listed below.
    e.Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    e.Denied: HTTPStatus.FORBIDDEN,
    e.Missing: HTTPStatus.NOT_FOUND,
    e.ModelFault: HTTPStatus.UNPROCESSABLE_ENTITY,
    e.StorageFault: HTTPStatus.SERVICE_UNAVAILABLE,
    # The 400s of the 2022 API [orig §1.4].
    e.PasswordMismatch: HTTPStatus.BAD_REQUEST,
    e.UsernameTaken: HTTPStatus.BAD_REQUEST,
    e.EmailTaken: HTTPStatus.BAD_REQUEST,
    e.EmailMalformed: HTTPStatus.BAD_REQUEST,
    e.NameTaken: HTTPStatus.BAD_REQUEST,
    e.MalformedRequest: HTTPStatus.BAD_REQUEST,
    e.DigestMismatch: HTTPStatus.BAD_REQUEST,
    e.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    e.WrongCredentials: HTTPStatus.UNAUTHORIZED,
    e.TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    e.ContentConflict: HTTPStatus.CONFLICT,
    e.NotAnswered: HTTPStatus.CONFLICT,
    e.ProtocolConflict: HTTPStatus.CONFLICT,
    e.VersionPending: HTTPStatus.CONFLICT,
    e.NothingToRollBack: HTTPStatus.CONFLICT,
    e.TargetNotEmpty: HTTPStatus.CONFLICT,
    e.BundleConflict: HTTPStatus.CONFLICT,
    e.BundleOutdated: HTTPStatus.CONFLICT,
    # Not a conflict: the tablet has nothing to send again, and may forget its copy.
    e.RecordingRefused: HTTPStatus.GONE,
    e.EnvelopeRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    e.LengthRequired: HTTPStatus.LENGTH_REQUIRED,
    e.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    e.HeadersTooLarge: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    e.UnsupportedAudio: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    e.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    e.RangeNotSatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    e.HostNotServed: HTTPStatus.MISDIRECTED_REQUEST,
    e.ModelUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    e.PredictionFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    e.PredictionTimeout: HTTPStatus.INTERNAL_SERVER_ERROR,
    e.PredictionPoisonous: HTTPStatus.INTERNAL_SERVER_ERROR,
    e.LabMissing: HTTPStatus.NOT_IMPLEMENTED,
    e.ModelSourceUnavailable: HTTPStatus.BAD_GATEWAY,
    e.DiskFull: HTTPStatus.INSUFFICIENT_STORAGE,
    e.RecordDamaged: HTTPStatus.INTERNAL_SERVER_ERROR,
    e.AudioMissing: HTTPStatus.INTERNAL_SERVER_ERROR,
    e.AudioDamaged: HTTPStatus.INTERNAL_SERVER_ERROR,
    e.AuditBroken: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_REFUSED_SIGN_INS: Final = (e.WrongCredentials, e.WrongPassword, e.TooManyAttempts)
_FRAMEWORK_CODES: Final[Mapping[int, tuple[str, str]]] = {
    HTTPStatus.BAD_REQUEST: (e.MalformedRequest.code, "The request cannot be understood."),
    HTTPStatus.NOT_FOUND: ("not-found", "There is nothing at this address."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method-not-allowed", "This address takes other methods."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (e.TooLarge.code, "The body is larger than allowed."),
}


def status_of(kind: type[ApplianceError]) -> HTTPStatus:
    """Return the status of an error: its own, or its family's."""
    return next(STATUS[parent] for parent in kind.__mro__ if parent in STATUS)


def problem(
    status: HTTPStatus,
    code: str,
    title: str,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    members: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[dict[str, object]]:
    """Return an RFC 9457 answer; `members` are added where they do not shadow its own."""
    body: dict[str, object] = {
        **(members or {}),
        "type": _TYPE_PREFIX + code,
        "title": title,
        "status": status.value,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = [
            {
                "field": error.field[:_MAX_FIELD_CHARACTERS],
                "code": error.code,
                "message": error.message,
            }
            for error in errors
        ]
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def not_found() -> Response[dict[str, object]]:
    """Return the answer of an address that is none."""
    code, sentence = _FRAMEWORK_CODES[HTTPStatus.NOT_FOUND]
    return problem(HTTPStatus.NOT_FOUND, code, sentence, sentence)


def from_error(error: ApplianceError) -> Response[dict[str, object]]:
    """Return the answer to an error the appliance raised on purpose."""
    status = status_of(type(error))
    headers = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    retry_after_s = error.details.get("retry_after_s")
    if isinstance(retry_after_s, int):
        headers["Retry-After"] = str(retry_after_s)
    if isinstance(error, e.RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.details['n_bytes']}"
    title = (type(error).__doc__ or "").split("\n", 1)[0]
    return problem(
        status,
        error.code,
        title,
        error.detail,
        errors=error.errors,
        members=error.details,
        headers=headers,
    )


def _on_error(request: Request[Any, Any, Any], error: ApplianceError) -> Response[Any]:
    if isinstance(error, e.StorageFault):
        _log.error("storage-fault", extra={"code": error.code})
    if isinstance(error, e.Denied):
        # Not the name that was tried: people type passwords into its field.
        event = "sign-in-refused" if isinstance(error, _REFUSED_SIGN_INS) else "access-denied"
        address = request.client.host if request.client else ""
        _log.warning(event, extra={"code": error.code, "address": address})
    return from_error(error)


def _on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Answer what the framework refused by itself, in our words: its own may echo the request."""
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return from_error(e.NotSignedIn())
    if isinstance(error, ValidationException):
        return from_error(e.InvalidRequest(errors=_parameters_at_fault(error)))
    if error.detail == _CLIENT_LEFT:
        # Nobody reads this answer, and no fault of the box is to be logged.
        return from_error(e.MalformedRequest())
    if error.status_code not in _FRAMEWORK_CODES:
        return _on_unexpected(request, error)
    status = HTTPStatus(error.status_code)
    code, sentence = _FRAMEWORK_CODES[status]
    headers = {
        name: text for name, text in (error.headers or {}).items() if name.lower() == "allow"
    }
    return problem(status, code, sentence, sentence, headers=headers)


def _parameters_at_fault(error: ValidationException) -> tuple[FieldError, ...]:
    """Return the query or path parameters the framework blames, without what was in them."""
    missing = _MISSING.match(error.detail)
    if missing:
        return (FieldError(field=missing.group(1), code="required", message="is missing"),)
    blamed = error.extra if isinstance(error.extra, list) else []
    return tuple(
        FieldError(field=str(entry["key"]), code="invalid", message="is missing or not valid")
        for entry in blamed
        if isinstance(entry, dict) and "key" in entry
    )


def _on_unexpected(_request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Log where it happened, never with what; the client gets the id of that line."""
    error_id = secrets.token_hex(8)
    _log.error(
        "request-failed",
        extra={"error_id": error_id, "kind": type(error).__name__, "place": _place(error)},
    )
    sentence = "The box failed in a way nobody expected."
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "unexpected",
        sentence,
        f"{sentence} Tell IT the error_id.",
        members={"error_id": error_id},
    )


def _place(error: Exception) -> str:
    """Return module and line of the innermost frame."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_globals.get('__name__', 'unknown')}:{trace.tb_lineno}"


HANDLERS: Final[ExceptionHandlersMap] = {
    ApplianceError: _on_error,
    HTTPException: _on_http_error,
    Exception: _on_unexpected,
}

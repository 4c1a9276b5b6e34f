"""Every error as an answer: problem details (RFC 9457), or the incumbent's `{"message": ...}`."""

from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from sqlalchemy.exc import DBAPIError, InterfaceError

from controlplane.domain.refusal import (
    Conflict,
    Invalid,
    Missing,
    Refusal,
    Unavailable,
    Unsupported,
)
from controlplane.domain.switch.request import EpochMovedError
from controlplane.store.idempotency import KeyReusedError

_logger = structlog.get_logger()

_REFUSALS = {
    EpochMovedError: HTTPStatus.PRECONDITION_FAILED,
    Invalid: HTTPStatus.BAD_REQUEST,
    Missing: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Unsupported: HTTPStatus.NOT_IMPLEMENTED,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
UNKEEPABLE = (
    "something in the request cannot be kept or looked for: a character U+0000, or a number or"
    " moment beyond what there can be"
)
_DATA_EXCEPTION = "22"
"""The class of SQLSTATE codes (ISO 9075)."""
NO_PERMISSION = "You do not have permission to call this API, please contact your administrator."


def _refused(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    status = next(code for kind, code in _REFUSALS.items() if isinstance(refusal, kind))
    return _answer(request, status, str(refusal))


def _key_reused(request: Request[Any, Any, Any], error: KeyReusedError) -> Response[Any]:
    return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    return _answer(
        request, HTTPStatus(error.status_code), _detail(error), headers=dict(error.headers or {})
    )


def _detail(error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "there is nothing at this address; /schema/openapi.json lists what there is"
    if isinstance(error.extra, list):
        found = [f"{e.get('key', 'body')}: {e['message']}" for e in error.extra if "message" in e]
        return "; ".join(found) or error.detail
    return error.detail


def _database(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    if isinstance(error, DBAPIError) and _is_unkeepable(error):
        return _answer(request, HTTPStatus.BAD_REQUEST, UNKEEPABLE)
    _logger.error("postgres.failed", error=str(error), path=request.url.path)
    return _answer(
        request, HTTPStatus.SERVICE_UNAVAILABLE, "the control plane cannot reach its database"
    )


def _too_deep(request: Request[Any, Any, Any], _: Exception) -> Response[Any]:
    detail = "the body is nested more deeply than anything that is asked for here"
    return _answer(request, HTTPStatus.BAD_REQUEST, detail)


def _no_text(request: Request[Any, Any, Any], _: Exception) -> Response[Any]:
    return _answer(request, HTTPStatus.BAD_REQUEST, "the body is not UTF-8")


def _is_unkeepable(error: DBAPIError) -> bool:
    """Whether what was given is refused, by the database or before it is sent there."""
    cause = error.orig.__cause__ if error.orig is not None else None
    state = getattr(cause, "sqlstate", None) or ""
    return state.startswith(_DATA_EXCEPTION) or isinstance(cause, ValueError | OverflowError)


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    _logger.error("api.failed", path=request.url.path, exc_info=error)
    return _answer(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the control plane failed to answer; its log says why",
    )


def _answer(
    request: Request[Any, Any, Any],
    status: HTTPStatus,
    detail: str,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    if request.url.path.startswith("/admin/"):
        return Response({"message": detail}, status_code=status, headers=headers or {})
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": request.url.path,
    }
    return Response(
        problem, status_code=status, headers=headers or {}, media_type="application/problem+json"
    )


HANDLERS: dict[Any, Any] = {
    Refusal: _refused,
    KeyReusedError: _key_reused,
    HTTPException: _http,
    DBAPIError: _database,
    InterfaceError: _database,
    OSError: _database,
    RecursionError: _too_deep,
    UnicodeDecodeError: _no_text,
    Exception: _unexpected,
}

"""What went wrong, as a page with a sentence: the API's own problem details, shown to people."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.response import Redirect

from controlplane.api.errors import HANDLERS as OF_THE_API
from controlplane.console.rendering import HEADERS, page

Asked = Request[Any, Any, Any]


def _as_page(problem: Callable[[Asked, Any], Response[Any]]) -> Callable[[Asked, Any], Any]:
    def handle(request: Asked, error: Exception) -> Any:
        told = problem(request, error)
        status = HTTPStatus(told.status_code or HTTPStatus.INTERNAL_SERVER_ERROR)
        if status is HTTPStatus.UNAUTHORIZED and request.method == "GET":
            return _to_the_log_in(request)
        shown = page(
            request,
            "problem.html",
            status=status.value,
            title=status.phrase,
            detail=told.content["detail"],
            logged_out=status is HTTPStatus.UNAUTHORIZED,
        )
        if "Retry-After" in told.headers:
            shown.headers["Retry-After"] = told.headers["Retry-After"]
        return shown

    return handle


def _to_the_log_in(request: Asked) -> Response[Any]:
    """Whoever may not see the page yet is asked who they are; a stream just ends."""
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(b"", status_code=401, headers=HEADERS)
    there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    where = f"/console/log-in?next={quote(there, safe='')}"
    return Redirect(where, status_code=303, headers=HEADERS)


HANDLERS = {kind: _as_page(problem) for kind, problem in OF_THE_API.items()}

"""The way in, and out."""

from typing import Annotated, Any, Literal

import structlog
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Redirect, Template

from contract.shown import quoted
from controlplane.api.access import FOR, address_of, note_access, user_by_password
from controlplane.api.tokens import epoch_seconds
from controlplane.console.rendering import HEADERS, page
from controlplane.console.sessions import LIFETIME_S, new_nonce, new_session
from controlplane.console.visitors import (
    FOR_ALL,
    SESSION,
    VISIT,
    require_visit,
    token_for_visit,
)
from controlplane.domain.accesses import Access
from controlplane.plane import ControlPlane
from controlplane.users import Role

_logger = structlog.get_logger()

_START = "/"
Asked = Request[Any, Any, Any]


@get("/console/log-in", opt={FOR_ALL: True})
async def show_log_in(
    request: Asked, next_page: Annotated[str, QueryParameter(name="next")] = _START
) -> Template:
    """Asks for name and password."""
    return _asking(request, local(next_page))


@post("/console/log-in", opt={FOR_ALL: True}, guards=[require_visit], status_code=303)
async def log_in(request: Asked, plane: NamedDependency[ControlPlane]) -> Response[Any]:
    """Begin a session, if the password is right."""
    form = await request.form()
    name, password = form.get("username", ""), form.get("password", "")
    user = await user_by_password(request, f"{name}:{password}".encode())
    there = local(str(form.get("next", _START)))
    if user is None:
        return _asking(request, there, wrong=True)
    note_log_in(request, user.username)
    session = new_session(plane.settings.token_key, user, epoch_seconds())
    return Redirect(
        there,
        status_code=303,
        headers=HEADERS,
        cookies=[session_cookie(request, session, LIFETIME_S), cookie(request, VISIT, "", 0)],
    )


@post("/console/log-out", opt={FOR: Role.VIEWER}, status_code=303)
async def log_out(request: Asked) -> Redirect:
    """Have this browser forget the session."""
    return Redirect(
        "/console/log-in",
        status_code=303,
        headers=HEADERS,
        cookies=[session_cookie(request, "", 0)],
    )


def _asking(request: Asked, there: str, *, wrong: bool = False) -> Template:
    nonce = request.cookies.get(VISIT) or new_nonce()
    shown = page(
        request,
        "log_in.html",
        status=401 if wrong else 200,
        next=there,
        token=token_for_visit(request, nonce),
        wrong=wrong,
        signs_on=_signs_on(request),
    )
    shown.cookies.append(cookie(request, VISIT, nonce, None))
    return shown


def session_cookie(request: Asked, session: str, max_age: int) -> Cookie:
    """What a browser shows with each page from now on; empty: nothing any more."""
    return cookie(request, SESSION, session, max_age)


def cookie(
    request: Asked,
    name: str,
    value: str,
    max_age: int | None,
    *,
    path: str = "/",
    samesite: Literal["strict", "lax"] = "strict",
) -> Cookie:
    """One that no script sees, and that goes by TLS alone where the page came by it."""
    return Cookie(
        key=name,
        value=value,
        path=path,
        max_age=max_age,
        httponly=True,
        samesite=samesite,
        secure=request.url.scheme == "https",
    )


def note_log_in(request: Asked, username: str) -> None:
    """In the log of this process, and in that of the events."""
    address = address_of(request)
    _logger.info("console.logged_in", address=address, user=quoted(username))
    note_access(request, Access("login_succeeded", username, address))


def _signs_on(request: Asked) -> bool:
    plane: ControlPlane = request.app.state.plane
    return plane.settings.signs_on_at is not None


def local(there: str) -> str:
    """A page of ours, and no other host's: two slashes, of either kind, begin such."""
    is_ours = there.startswith("/") and there[1:2] not in {"/", "\\"} and there.isprintable()
    return there if is_ours else _START

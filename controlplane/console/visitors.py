"""Who may see a page, and who may send a form: one guard for all routes of the console."""

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from controlplane.api.access import needed_role, require_covered, require_user
from controlplane.api.origin import CHANGES_NOTHING
from controlplane.api.tokens import epoch_seconds
from controlplane.console.sessions import form_token, is_form_token, session_of
from controlplane.plane import ControlPlane
from controlplane.users import Principal, Role

SESSION: Final = "interlock_console"
"""Cookie of who has logged in."""
VISIT: Final = "interlock_visit"
"""Cookie of who has not: what the form of the log-in is bound to."""
FORM_TOKEN: Final = "form_token"  # noqa: S105 - the name of a field
FOR_ALL: Final = "for_all"
"""Among a handler's `opt`: nobody needs to have logged in."""
_OF_OUR_FORMS: Final = "application/x-www-form-urlencoded"


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in front of a page."""

    name: str
    role: Role
    form_token: str
    """What their forms have to show."""

    @property
    def operates(self) -> bool:
        """Whether they may switch, and abort a switch."""
        return self.role.covers(Role.OPERATOR)

    @property
    def administers(self) -> bool:
        """Whether they may change tenants and whatever else there is."""
        return self.role.covers(Role.ADMIN)


async def require_visitor(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let those look who have logged in, and those change who may, by forms of ours alone.

    Raises:
        NotAuthorizedException: nobody has logged in, or the session is over.
        PermissionDeniedException: somebody would change what they may not, or the form is not ours.
    """
    if FOR_ALL in handler.opt:
        return
    nonce = _note_visitor(connection)
    if connection.scope.get("method") in CHANGES_NOTHING:
        return
    visitor = visitor_of(connection)
    require_covered(connection, visitor.name, visitor.role, needed_role(connection, handler))
    await _require_own_form(connection, nonce)


async def require_visit(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """Let those log in who opened the page for it: there is no session yet to bind a form to.

    Raises:
        NotAuthorizedException: this browser has not.
        PermissionDeniedException: the form is not ours.
    """
    nonce = connection.cookies.get(VISIT)
    if nonce is None:
        raise NotAuthorizedException(
            "the page for logging in was not opened in this browser, or it keeps no cookies: open"
            " it again"
        )
    await _require_own_form(connection, nonce)


async def _require_own_form(connection: ASGIConnection[Any, Any, Any, Any], nonce: str) -> None:
    """Raises PermissionDeniedException unless a page of ours wrote the form for this browser."""
    if not isinstance(connection, Request):
        raise TypeError("forms are sent by HTTP")
    # Our forms send no files: nobody's are read in to find a token among them.
    is_ours = connection.headers.get("content-type", "").startswith(_OF_OUR_FORMS)
    shown = (await connection.form()).get(FORM_TOKEN, "") if is_ours else ""
    if not (isinstance(shown, str) and is_form_token(_key(connection), nonce, shown)):
        raise PermissionDeniedException(
            "this form was not written for the session that sent it: load its page again, and send"
            " it from there"
        )


async def require_reader(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let those through who have a user here, by their session or by Basic authentication.

    Raises:
        NotAuthorizedException: neither is good.
        TooManyRequestsException: too many wrong passwords of late.
    """
    if SESSION in connection.cookies:
        try:
            _note_visitor(connection)
        except NotAuthorizedException:
            pass
        else:
            return
    await require_user(connection, handler)


def visitor_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Visitor:
    """Whom the guard has let through. Raises TypeError if none had to be."""
    visitor = connection.scope.get("auth")
    if not isinstance(visitor, Visitor):
        raise TypeError("nobody has logged in for this")
    return visitor


def token_for_visit(connection: ASGIConnection[Any, Any, Any, Any], nonce: str) -> str:
    """What the form of the log-in has to show."""
    return form_token(_key(connection), nonce)


def _note_visitor(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Note who it is; what their forms are bound to."""
    found = _found(connection)
    if found is None:
        raise NotAuthorizedException("nobody has logged in here, or the session is over")
    nonce, user = found
    connection.scope["user"] = user.username
    token = form_token(_key(connection), nonce)
    visitor = Visitor(name=user.username, role=user.may, form_token=token)
    connection.scope["auth"] = visitor
    return nonce


def _found(connection: ASGIConnection[Any, Any, Any, Any]) -> tuple[str, Principal] | None:
    cookie = connection.cookies.get(SESSION)
    if cookie is None:
        return None
    plane: ControlPlane = connection.app.state.plane
    users, issuer = plane.settings.admin_users, plane.settings.signs_on_at
    trust = issuer.trust if issuer is not None else None
    found = session_of(_key(connection), cookie, users, trust, epoch_seconds())
    return (found[0].sid, found[1]) if found is not None else None


def _key(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    plane: ControlPlane = connection.app.state.plane
    return plane.settings.token_key

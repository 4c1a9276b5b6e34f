"""Who may call: people by Basic authentication or an issuer's token, nodes by a token."""

import base64
import binascii
import hmac
import math
import time
from typing import Any, Final

import msgspec
import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import (
    NotAuthorizedException,
    PermissionDeniedException,
    TooManyRequestsException,
)
from litestar.handlers import BaseRouteHandler

from contract.issuer_tokens import BadTokenError
from contract.shown import quoted
from controlplane.api.errors import NO_PERMISSION
from controlplane.api.failed_logins import Caller, FailedLogins
from controlplane.api.issuer_tokens import claims_of, principal_of
from controlplane.api.origin import CHANGES_NOTHING
from controlplane.api.passwords import Passwords
from controlplane.domain.accesses import Access, Accesses
from controlplane.domain.node_tokens import shown_by, speaks_for_itself
from controlplane.issuer import NoRoleError
from controlplane.plane import ControlPlane
from controlplane.store.event_store import Attribution
from controlplane.users import Principal, Role, User

_logger = structlog.get_logger()

FOR: Final = "for_role"
"""Among a handler's `opt`: the role that it takes, where that does not follow from its method."""
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="interlock", charset="UTF-8"'}
_BAD_TOKEN = {"WWW-Authenticate": 'Bearer realm="interlock", error="invalid_token"'}
"""RFC 6750, section 3."""


async def require_role(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let everybody through who may do what the handler does (`needed_role`).

    Raises:
        NotAuthorizedException: no valid credentials.
        TooManyRequestsException: too many wrong passwords of late.
        PermissionDeniedException: valid, but of somebody who may not do this.
    """
    user = await _logged_in(connection)
    require_covered(connection, user.username, user.may, needed_role(connection, handler))
    connection.scope["user"] = user.username


async def require_user(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let everybody through who has a user here.

    Raises:
        NotAuthorizedException: no valid credentials.
        TooManyRequestsException: too many wrong ones of late.
    """
    await _logged_in(connection)


def needed_role(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> Role:
    """Who may call a handler: whom it says itself (`opt`), else viewers what only looks."""
    said: Role | None = handler.opt.get(FOR)
    if said is not None:
        return said
    return Role.VIEWER if connection.scope.get("method") in CHANGES_NOTHING else Role.ADMIN


def require_covered(
    connection: ASGIConnection[Any, Any, Any, Any], username: str, role: Role, needed: Role
) -> None:
    """Raises PermissionDeniedException if a role is not enough."""
    if not role.covers(needed):
        note_access(connection, Access("denied", username, address_of(connection), needed))
        _logger.warning("api.denied", user=quoted(username), role=role, needed=needed)
        raise PermissionDeniedException(
            f"{NO_PERMISSION} ({quoted(username)} has the role {role}, this takes {needed})"
        )


async def _logged_in(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    header = connection.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer":
        return await _by_token(connection, token.strip())
    user = await user_by_password(connection, _given(header), shown=bool(header))
    if user is None:
        raise NotAuthorizedException(
            "user name and password are missing or wrong", headers=_CHALLENGE
        )
    return user.principal


async def _by_token(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Principal:
    """Whose token it is. Nobody is kept waiting for a bad one: they are not guessed."""
    plane: ControlPlane = connection.app.state.plane
    try:
        return principal_of(plane, await claims_of(plane, token))
    except NoRoleError as nothing:
        raise PermissionDeniedException(str(nothing)) from None
    except BadTokenError as bad:
        address = address_of(connection)
        _logger.warning("api.login_failed", address=address, reason=str(bad))
        note_access(connection, Access("login_failed", "", address))
        raise NotAuthorizedException(str(bad), headers=_BAD_TOKEN) from None


async def user_by_password(
    connection: ASGIConnection[Any, Any, Any, Any], given: bytes | None, *, shown: bool = True
) -> User | None:
    """Who has shown the right password; None if nobody has.

    Args:
        connection: where it comes from.
        given: user name, colon, password; None if that is not what was shown.
        shown: whether anything was: if not, it was not wrong.

    Raises:
        TooManyRequestsException: too many wrong ones of late.
    """
    plane: ControlPlane = connection.app.state.plane
    passwords: Passwords = connection.app.state.passwords
    caller = _caller(connection, given)
    _require_patience(connection, caller)
    user = None if given is None else await passwords.user(given, plane.settings.admin_users)
    if user is None and shown:
        _note_failure(connection, caller)
    return user


def _given(header: str) -> bytes | None:
    """User name, colon, password; None if that is not what there is."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None


def _caller(connection: ASGIConnection[Any, Any, Any, Any], given: bytes | None) -> Caller:
    user = (given or b"").partition(b":")[0].decode(errors="replace")
    return Caller(address_of(connection), user)


def _require_patience(connection: ASGIConnection[Any, Any, Any, Any], caller: Caller) -> None:
    failed: FailedLogins = connection.app.state.failed_logins
    wait_s = math.ceil(failed.wait_s(caller, time.monotonic()))
    if wait_s > 0:
        raise TooManyRequestsException(
            f"too many wrong passwords from {caller.address}: try again in {wait_s} s",
            headers={"Retry-After": str(wait_s)},
        )


def _note_failure(connection: ASGIConnection[Any, Any, Any, Any], caller: Caller) -> None:
    _logger.warning("api.login_failed", address=caller.address, user=quoted(caller.user))
    connection.app.state.failed_logins.failed(caller, time.monotonic())
    note_access(connection, Access("login_failed", caller.user, caller.address))


def note_access(connection: ASGIConnection[Any, Any, Any, Any], access: Access) -> None:
    """Have the log know of it, some moments later."""
    accesses: Accesses = connection.app.state.accesses
    accesses.note(access)


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """From where somebody calls; empty if that is not known."""
    return connection.client.host if connection.client is not None else ""


def require_node(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let gateway nodes through, each for itself.

    Raises:
        NotAuthorizedException: the node does not show a token that is good.
        PermissionDeniedException: it does, but of another node than it speaks for.
    """
    plane: ControlPlane = connection.app.state.plane
    caller = _node_caller(plane, connection.headers.get("authorization", ""))
    if caller is None:
        # Nobody is kept waiting: nodes may share an address, and would lose their leases with it.
        raise NotAuthorizedException(
            "INTERLOCK_NODE_TOKEN of the node is neither a token of its own that is good, nor the"
            " control plane's"
        )
    refused = _spoken_for_another(plane, caller, connection.path_params.get("node_id"))
    if refused is not None:
        raise PermissionDeniedException(refused)
    connection.scope["user"] = caller


class NodeCaller(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a node's token speaks for."""

    node_id: str | None = None
    """None: it is the one that nodes share."""
    token_id: str | None = None


def _node_caller(plane: ControlPlane, header: str) -> NodeCaller | None:
    token = header.removeprefix("Bearer ")
    shared = plane.settings.interlock_node_token.get_secret_value()
    if hmac.compare_digest(token.encode(), shared.encode()):
        return NodeCaller()
    shown = shown_by(plane.ledger.facts, token)
    return NodeCaller(node_id=shown[0], token_id=shown[1]) if shown is not None else None


def _spoken_for_another(plane: ControlPlane, caller: NodeCaller, node_id: str | None) -> str | None:
    """Why a token does not speak for a node, or for none; None if it does."""
    if caller.node_id is not None:
        if node_id in {None, caller.node_id}:
            return None
        return f"this is a token of node {caller.node_id}, which does not speak for node {node_id}"
    if not plane.settings.interlock_shared_node_token:
        return (
            "the token that nodes share is not taken here (INTERLOCK_SHARED_NODE_TOKEN): give the"
            " node one of its own, of `interlock node-token issue`"
        )
    if node_id is not None and speaks_for_itself(plane.ledger.facts, node_id):
        return (
            f"node {node_id} has shown a token of its own: the one that nodes share does not speak"
            " for it any more"
        )
    return None


def attribution(request: Request[Any, Any, Any], reason: str | None = None) -> Attribution:
    """Who asks, for the log."""
    return Attribution(actor=f"user:{request.scope['user']}", reason=reason)

"""Who may call: people by Basic authentication, nodes by their shared secret."""

import base64
import binascii
import hmac
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from controlplane.api.errors import NO_PERMISSION
from controlplane.plane import ControlPlane
from controlplane.settings import AdminUser
from controlplane.store.event_store import Attribution

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="interlock", charset="UTF-8"'}


def require_admin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let administrators through.

    Raises:
        NotAuthorizedException: no valid credentials.
        PermissionDeniedException: valid, but of somebody who is no administrator.
    """
    plane: ControlPlane = connection.app.state.plane
    user = _user(connection.headers.get("authorization", ""), plane.settings.admin_users)
    if user is None:
        raise NotAuthorizedException(
            "user name and password are missing or wrong", headers=_CHALLENGE
        )
    if not user.admin:
        raise PermissionDeniedException(NO_PERMISSION)
    connection.scope["user"] = user.username


def _user(header: str, users: tuple[AdminUser, ...]) -> AdminUser | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None
    found = None
    for user in users:
        # Every user is compared, so that the time taken does not tell which one came close.
        if hmac.compare_digest(given, f"{user.username}:{user.password}".encode()):
            found = user
    return found


def require_node(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let gateway nodes through.

    Raises:
        NotAuthorizedException: the node does not show the secret.
    """
    plane: ControlPlane = connection.app.state.plane
    token = plane.settings.interlock_node_token.get_secret_value()
    given = connection.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise NotAuthorizedException("the node's INTERLOCK_NODE_TOKEN is not the control plane's")


def attribution(request: Request[Any, Any, Any], reason: str | None = None) -> Attribution:
    """Who asks, for the log."""
    return Attribution(actor=f"user:{request.scope['user']}", reason=reason)

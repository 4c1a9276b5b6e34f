"""Whose an issuer's token is, by the issuer's keys of now."""

from collections.abc import Mapping
from typing import Any

from contract.issuer_tokens import BadTokenError, UnknownKeyError, verify
from contract.shown import quoted
from controlplane.issuer import Issuer
from controlplane.plane import ControlPlane
from controlplane.users import Principal


async def claims_of(plane: ControlPlane, token: str, *, own: bool = False) -> dict[str, Any]:
    """What a good token says.

    Args:
        plane: whose issuer it should be of.
        token: as it was shown.
        own: whether it has to be for the console, and not for any of the audiences.

    Raises:
        BadTokenError: it is not good.
    """
    issuer, keys = _issuer(plane), plane.issuer_keys
    rules = issuer.own_token_rules if own else issuer.token_rules
    try:
        return verify(token, rules, keys.of)
    except UnknownKeyError:
        await keys.newer()
    try:
        return verify(token, rules, keys.of)
    except UnknownKeyError:
        raise BadTokenError(
            "the token is signed with a key that its issuer does not publish"
        ) from None


def principal_of(plane: ControlPlane, claims: Mapping[str, Any]) -> Principal:
    """Who that is, and what they may do.

    Raises:
        BadTokenError: nobody, or somebody else here.
        NoRoleError: somebody who may do nothing.
    """
    principal = _issuer(plane).principal(claims)
    if any(user.username == principal.username for user in plane.settings.admin_users):
        raise BadTokenError(
            f"the token's {quoted(principal.username)} is the name of a user with a password here"
        )
    return principal


def _issuer(plane: ControlPlane) -> Issuer:
    issuer = plane.settings.issuer
    if issuer is None:
        raise BadTokenError("tokens are not taken here: there is no INTERLOCK_OIDC_ISSUER")
    return issuer

"""The OpenID Connect issuer whose tokens users may show: what makes one of them a user, and which.

Which issuer is trusted, for whom its tokens have to be, and which of their words means which role,
is configured (`INTERLOCK_OIDC_*`).
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from contract.issuer_keys import read_document
from contract.issuer_tokens import BadTokenError, TokenRules
from contract.json_errors import UNREADABLE
from contract.shown import quoted
from controlplane.users import Principal, Role

REFRESH_S: Final = 300.0
"""Seconds after which the issuer's keys are asked for again; at once if a token names a new one."""
_DISCOVERY: Final = "/.well-known/openid-configuration"


class NoRoleError(BadTokenError):
    """A token is good, and of somebody who may do nothing here."""


class Issuer(NamedTuple):
    """Whose tokens are taken, and how they are read."""

    url: str
    audiences: tuple[str, ...]
    user_claim: str
    role_claim: str
    roles: Mapping[str, Role]
    """By value of the claim."""

    @property
    def token_rules(self) -> TokenRules:
        """What a token must say to be one of these."""
        return TokenRules(issuer=self.url, audiences=self.audiences)

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """Whose token that is, with the role that goes furthest.

        Raises:
            BadTokenError: it names nobody.
            NoRoleError: it gives no role.
        """
        name = _claim(claims, self.user_claim)
        if not isinstance(name, str) or not name:
            raise BadTokenError(f"the token has no claim {self.user_claim}")
        said = _claim(claims, self.role_claim)
        values = said if isinstance(said, list) else [said]
        roles = [self.roles[v] for v in values if isinstance(v, str) and v in self.roles]
        if not roles:
            raise NoRoleError(
                f"the token of {quoted(name)} gives no role: its claim {self.role_claim} names none"
                f" of {', '.join(sorted(self.roles))}"
            )
        return Principal(name, max(roles, key=list(Role).index))

    async def read_keys(self) -> bytes:
        """Its public keys: a JWK set, from where it says itself (OpenID Connect Discovery 1.0).

        Raises:
            OSError: they cannot be read.
            httpx.HTTPError: it does not answer as it should.
            ValueError: what it answers is no description of this issuer.
        """
        described = await read_document(self.url.rstrip("/") + _DISCOVERY)
        try:
            found = msgspec.json.decode(described, type=_Description)
        except UNREADABLE as error:
            raise ValueError(f"{_DISCOVERY} is no description of an issuer: {error}") from None
        if found.issuer != self.url:
            raise ValueError(f"{_DISCOVERY} is of issuer {quoted(found.issuer)}")
        return await read_document(found.jwks_uri)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """What a claim says; with dots it may be the way to one, as Keycloak's realm_access.roles."""
    if name in claims or "." not in name:
        return claims.get(name)
    first, _, rest = name.partition(".")
    inner = claims.get(first)
    return _claim(inner, rest) if isinstance(inner, Mapping) else None


class _Description(msgspec.Struct):
    issuer: str
    jwks_uri: str


def issuer_of(
    url: str | None, audiences: str, *, user_claim: str, role_claim: str, roles: str
) -> Issuer | None:
    """The issuer as variables describe it; None if there is none.

    Raises:
        ValueError: they do not describe one.
    """
    if url is None:
        return None
    if httpx.URL(url).scheme not in {"http", "https"}:
        raise ValueError("INTERLOCK_OIDC_ISSUER is no URL that begins with https: or http:")
    named = tuple(a.strip() for a in audiences.split(",") if a.strip())
    if not named:
        raise ValueError(
            "INTERLOCK_OIDC_ISSUER needs INTERLOCK_OIDC_AUDIENCES: what an issuer signs for another"
            " application is not for this one"
        )
    try:
        given = msgspec.yaml.decode(roles, type=dict[str, Role])
    except msgspec.MsgspecError as error:
        raise ValueError(
            "INTERLOCK_OIDC_ROLES is not of the form {platform-team: admin, on-call: operator}:"
            f" {error}"
        ) from None
    return Issuer(url, named, user_claim, role_claim, given or {role.value: role for role in Role})

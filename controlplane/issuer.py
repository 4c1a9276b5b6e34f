"""The OpenID Connect issuer whose tokens users may show: what makes one of them a user, and which.

Which issuer is trusted, for whom its tokens have to be, and which of their words means which role,
is configured (`INTERLOCK_OIDC_*`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import msgspec

from contract.issuer_keys import TIMEOUT, read_document
from contract.issuer_tokens import BadTokenError, TokenRules
from contract.json_errors import UNREADABLE
from contract.shown import quoted
from controlplane.users import Principal, Role

REFRESH_S: Final = 300.0
"""Seconds after which the issuer's keys are asked for again; at once if a token names a new one."""
_DISCOVERY: Final = "/.well-known/openid-configuration"


class _Description(msgspec.Struct):
    issuer: str
    jwks_uri: str
    authorization_endpoint: str
    token_endpoint: str


class _Token(msgspec.Struct):
    id_token: str


class NoRoleError(BadTokenError):
    """A token is good, and of somebody who may do nothing here."""


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Whose tokens are taken, and how they are read."""

    url: str
    audiences: tuple[str, ...]
    user_claim: str
    role_claim: str
    roles: Mapping[str, Role]
    """By value of the claim."""
    client_id: str
    """What the console is called there; empty: nobody logs in to it that way."""
    client_secret: str = field(repr=False)

    @property
    def token_rules(self) -> TokenRules:
        """What a token must say to be one of these."""
        return TokenRules(issuer=self.url, audiences=self.audiences)

    @property
    def own_token_rules(self) -> TokenRules:
        """What an ID token must say that is made for the console."""
        return TokenRules(issuer=self.url, audiences=(self.client_id,))

    @property
    def trust(self) -> bytes:
        """What its users' roles rest on: with other words a session is another one."""
        words = (self.url, self.client_id, self.user_claim, self.role_claim, self.roles)
        return msgspec.json.encode(words, order="sorted")

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
        return await read_document((await self._described()).jwks_uri)

    async def log_in_url(self, back: str, state: str, nonce: str, challenge: str) -> str:
        """Where its users log in (OpenID Connect Core 1.0, section 3.1.2.1).

        Args:
            back: where it sends the browser then.
            state: it gives that back.
            nonce: the ID token has it.
            challenge: of what is shown with the code (RFC 7636).

        Raises:
            OSError, httpx.HTTPError, ValueError: as `read_keys`.
        """
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": back,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        there = httpx.URL((await self._described()).authorization_endpoint)
        return str(there.copy_merge_params(asked))

    async def token_for(self, code: str, back: str, verifier: str) -> str:
        """The ID token for a code that came back with the browser (section 3.1.3).

        Raises:
            BadTokenError: there is none, or the issuer cannot be asked.
        """
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        try:
            there = (await self._described()).token_endpoint
            async with httpx.AsyncClient(timeout=TIMEOUT) as client:
                own = (self.client_id, self.client_secret)
                answer = await client.post(there, data=given, auth=own)
        except (OSError, httpx.HTTPError, ValueError) as error:
            raise BadTokenError(f"the issuer cannot be asked: {error or type(error)}") from None
        try:
            return msgspec.json.decode(answer.content, type=_Token).id_token
        except UNREADABLE:
            raise BadTokenError(
                f"the issuer gives no token for the browser's code (HTTP {answer.status_code})"
            ) from None

    async def _described(self) -> _Description:
        described = await read_document(self.url.rstrip("/") + _DISCOVERY)
        try:
            found = msgspec.json.decode(described, type=_Description)
        except UNREADABLE as error:
            raise ValueError(f"{_DISCOVERY} is no description of an issuer: {error}") from None
        if found.issuer != self.url:
            raise ValueError(f"{_DISCOVERY} is of issuer {quoted(found.issuer)}")
        return found


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """What a claim says; with dots it may be the way to one, as Keycloak's realm_access.roles."""
    if name in claims or "." not in name:
        return claims.get(name)
    first, _, rest = name.partition(".")
    inner = claims.get(first)
    return _claim(inner, rest) if isinstance(inner, Mapping) else None


def issuer_of(
    url: str | None,
    audiences: str,
    *,
    user_claim: str,
    role_claim: str,
    roles: str,
    client_id: str,
    client_secret: str,
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
    if client_id:
        named = (*named, client_id)
    if not named:
        raise ValueError(
            "INTERLOCK_OIDC_ISSUER needs INTERLOCK_OIDC_AUDIENCES or INTERLOCK_OIDC_CLIENT_ID:"
            " what an issuer signs for another"
            " application is not for this one"
        )
    try:
        given = msgspec.yaml.decode(roles, type=dict[str, Role])
    except msgspec.MsgspecError as error:
        raise ValueError(
            "INTERLOCK_OIDC_ROLES is not of the form {platform-team: admin, on-call: operator}:"
            f" {error}"
        ) from None
    return Issuer(
        url=url,
        audiences=named,
        user_claim=user_claim,
        role_claim=role_claim,
        roles=given or {role.value: role for role in Role},
        client_id=client_id,
        client_secret=client_secret,
    )

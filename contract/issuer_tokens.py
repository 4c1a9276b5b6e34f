"""Tokens that an OAuth or OpenID Connect issuer has signed, and whether one is good. Pure.

Clients of the gateway show them (OAUTHBEARER), and users of the administration API.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jwt
import msgspec

from contract.json_errors import UNREADABLE

ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
"""What a key of each type may have signed with. None of them takes a public key for a secret, so a
token that is signed with `HS256` and the issuer's public key is worth as much as one with `none`.
"""

LEEWAY_S = 5
"""Seconds that clocks may differ: for so long after its end a token is still good."""


class UnknownKeyError(Exception):
    """No key of that id is known; it may be newer than what is known of the issuer's keys."""


class BadTokenError(Exception):
    """A token is not good; the message says why, and may be shown to whoever sent it."""


@dataclass(frozen=True, kw_only=True)
class TokenRules:
    """What a token must say, apart from being signed."""

    issuer: str | None
    audiences: tuple[str, ...]
    """Empty: the token's audience is not looked at."""
    subject_claim: str = "sub"


@dataclass(frozen=True)
class SigningKey:
    """A public key of the issuer."""

    key_id: str | None
    material: Any
    algorithms: tuple[str, ...]


KeysOf: TypeAlias = Callable[[str | None], Sequence[SigningKey]]
"""The keys that a token with that key id can be signed with. Raises UnknownKeyError."""


def verify(token: str, rules: TokenRules, keys_of: KeysOf) -> dict[str, Any]:
    """The claims of a token that an issuer's key has signed, and that has not expired.

    Raises:
        BadTokenError: it is no such token.
        UnknownKeyError: its key is not known (yet).
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise BadTokenError("the token is not a JSON Web Token") from None
    key_id = header.get("kid")
    keys = [k for k in keys_of(key_id) if header.get("alg") in k.algorithms]
    if not keys:
        raise BadTokenError("the token is signed in a way that its issuer's keys do not fit")
    for key in keys:
        try:
            return _claims(token, rules, key)
        except jwt.InvalidSignatureError:
            continue
    raise BadTokenError("the token was not signed by the issuer")


def _claims(token: str, rules: TokenRules, key: SigningKey) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.material,
            algorithms=list(key.algorithms),
            issuer=rules.issuer,
            audience=list(rules.audiences) or None,
            leeway=LEEWAY_S,
            options={"require": ["exp"], "verify_aud": bool(rules.audiences)},
        )
    except jwt.InvalidSignatureError:
        raise
    except jwt.ExpiredSignatureError:
        raise BadTokenError("the token has expired") from None
    except jwt.InvalidTokenError as error:
        raise BadTokenError(f"the token is not for this gateway: {error}") from None
    return claims


def keys_from(document: bytes) -> tuple[SigningKey, ...]:
    """The signing keys of a JWK set (RFC 7517); those for other uses are left out.

    Raises:
        ValueError: it is no JWK set, or has no key that can verify a signature.
    """
    try:
        listed = msgspec.json.decode(document, type=dict[str, Any])["keys"]
        found = tuple(key for raw in listed if (key := _key(raw)) is not None)
    except (*UNREADABLE, KeyError, TypeError, AttributeError):
        raise ValueError("it is not a JWK set") from None
    if not found:
        raise ValueError("it holds no public key that signs")
    return found


def _key(raw: dict[str, Any]) -> SigningKey | None:
    allowed = ALGORITHMS.get(str(raw.get("kty")), ())
    if raw.get("use", "sig") != "sig" or not allowed:
        return None
    algorithm = raw.get("alg")
    usable = tuple(name for name in allowed if algorithm in {None, name})
    if not usable:
        return None
    try:
        material = jwt.PyJWK(raw, algorithm=usable[0]).key
    except jwt.PyJWTError:
        return None
    return SigningKey(raw.get("kid"), material, usable)

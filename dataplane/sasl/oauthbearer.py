"""SASL/OAUTHBEARER (RFC 7628, KIP-255): a token that an authorization server has signed."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from contract.issuer_tokens import LEEWAY_S, BadTokenError, KeysOf, TokenRules, verify
from contract.records import ServiceAccount
from dataplane.sasl.mechanism import AuthenticationError, Challenge, Outcome, Proved
from dataplane.sasl.proof import ExternalProof

_SEPARATOR = "\x01"

AccountNamed: TypeAlias = Callable[[str], ServiceAccount | None]
"""The account with that external name."""


class OAuthBearer:
    """One exchange: a token, and if it is no good an empty answer to being told so."""

    def __init__(self, rules: TokenRules, keys_of: KeysOf, account_named: AccountNamed) -> None:
        self._rules = rules
        self._keys_of = keys_of
        self._account_named = account_named
        self._refusal: str | None = None

    def respond(self, message: bytes) -> Outcome:
        """Take the token.

        Raises:
            AuthenticationError: the client has heard that its token is no good, and says so.
            UnknownKeyError: the token's key is not known (yet).
        """
        if self._refusal is not None:
            raise AuthenticationError(self._refusal)
        try:
            return Proved(self._proof(message))
        except AuthenticationError as refused:
            self._refusal = str(refused)
            told = msgspec.json.encode({"status": "invalid_token"})
            return Challenge(told, refusal=self._refusal)

    def _proof(self, message: bytes) -> ExternalProof:
        token, authorization_id = parse(message)
        try:
            claims = verify(token, self._rules, self._keys_of)
        except BadTokenError as bad:
            raise AuthenticationError(str(bad)) from None
        subject = claims.get(self._rules.subject_claim)
        if not isinstance(subject, str) or not subject:
            raise AuthenticationError(f"the token has no claim {self._rules.subject_claim}")
        if authorization_id not in {"", subject}:
            raise AuthenticationError("acting for another user is not supported")
        account = self._account_named(subject)
        if account is None:
            raise AuthenticationError(f"no account has the external name {subject}")
        expires_at = float(claims["exp"]) + LEEWAY_S
        return ExternalProof(account.vcluster, account.name, subject, expires_at)


def parse(message: bytes) -> tuple[str, str]:
    """The token and the authorization id of a client's first message (RFC 7628, section 3.1).

    Raises:
        AuthenticationError: it has another form.
    """
    try:
        header, *pairs, last, end = message.decode().split(_SEPARATOR)
        flag, authorization_id, rest = header.split(",")
        found = dict(pair.split("=", 1) for pair in pairs)
    except ValueError:
        raise AuthenticationError("the OAUTHBEARER message is malformed") from None
    scheme, _, token = found.get("auth", "").partition(" ")
    if (rest, last, end) != ("", "", "") or flag not in {"n", "y"}:
        raise AuthenticationError("the OAUTHBEARER message is malformed")
    if scheme.lower() != "bearer" or not token:
        raise AuthenticationError("the OAUTHBEARER message holds no bearer token")
    return token.strip(), authorization_id.removeprefix("a=")

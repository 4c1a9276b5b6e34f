"""SASL/PLAIN (RFC 4616), with a token of the control plane as the password."""

from typing import NamedTuple

import jwt
import msgspec

from contract.tokens import ALGORITHM, Claims
from dataplane.sasl.mechanism import AuthenticationError, Proved
from dataplane.sasl.proof import TokenProof


class Credentials(NamedTuple):
    """What a client sent."""

    username: str
    token: str

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


class MalformedCredentialsError(AuthenticationError):
    """The SASL/PLAIN message or the token cannot be read."""


class ForgedTokenError(AuthenticationError):
    """The token was not signed with our key."""


class ExpiredTokenError(AuthenticationError):
    """The token's time is over."""


class OtherUserError(AuthenticationError):
    """The token was issued to another user than the one that the client names."""


class Plain:
    """The one message of the exchange."""

    def __init__(self, key: bytes, now: float) -> None:
        """`key` signs our tokens; `now` is in epoch seconds."""
        self._key = key
        self._now = now

    def respond(self, message: bytes) -> Proved:
        """Take the credentials.

        Raises:
            AuthenticationError: they prove nothing.
        """
        credentials = parse(message)
        claims = verify(credentials.token, credentials.username, self._key, self._now)
        return Proved(TokenProof(claims.vcluster, claims.username, claims.exp, claims.iat))


def parse(message: bytes) -> Credentials:
    """Read a SASL/PLAIN message: `[authorization id] NUL username NUL password`.

    An authorization id, if there is one, must be the username.

    Raises:
        MalformedCredentialsError: it has another form.
    """
    try:
        authorization_id, username, token = message.decode().split("\0")
    except ValueError:
        raise MalformedCredentialsError(
            "the SASL/PLAIN message is not '[authorization id] NUL username NUL password'"
        ) from None
    if not username or not token:
        raise MalformedCredentialsError("the SASL/PLAIN message has no username or no password")
    if authorization_id not in {"", username}:
        raise MalformedCredentialsError("acting for another user is not supported")
    return Credentials(username, token)


def verify(token: str, username: str, key: bytes, now: float) -> Claims:
    """Check a token: its signature, that it is not expired at `now` (epoch seconds), and its user.

    Raises:
        AuthenticationError: one of its subclasses says what is wrong.
    """
    try:
        payload = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        claims = msgspec.convert(payload, Claims)
    except jwt.InvalidSignatureError:
        raise ForgedTokenError("the password is not a token of this gateway") from None
    except (jwt.InvalidTokenError, msgspec.ValidationError, UnicodeError):
        raise MalformedCredentialsError(
            "the password is not a token: create one for the service account and use it"
        ) from None
    if claims.exp <= now:
        raise ExpiredTokenError(f"the token of {claims.username} has expired: create a new one")
    if claims.username != username:
        raise OtherUserError(f"the token was not issued to {username}")
    return claims

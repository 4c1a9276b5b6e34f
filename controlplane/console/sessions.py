"""Who has logged in to the console: said by a signed cookie alone, so that any control plane knows.

Nothing is kept of it anywhere. The key is derived from the one that signs clients' tokens, which
all control planes have. A session ends by its time, by logging out (in that browser), and when the
user's name, password or role is not any more what it was. Pure: the time is an argument.
"""

import hmac
import secrets
from typing import Final

import jwt
import msgspec

from contract.tokens import ALGORITHM
from controlplane.users import User

LIFETIME_S: Final = 8 * 3600
"""A shift."""
_PURPOSE: Final = b"interlock console session"
_FORMS: Final = b"interlock console form"
_NONCE_BYTES: Final = 16


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """What the cookie says."""

    sub: str
    """The user's name."""
    sid: str
    """Random: what the session's forms are bound to."""
    proof: str
    """Of name, password and role as they were at the log-in."""
    exp: int
    """Epoch seconds after which it is void."""


def new_nonce() -> str:
    """Something that nobody can guess."""
    return secrets.token_urlsafe(_NONCE_BYTES)


def new_session(token_key: bytes, user: User, now: int) -> str:
    """The cookie of somebody who has just shown the password.

    Args:
        token_key: what signs clients' tokens.
        user: who logged in.
        now: epoch seconds.
    """
    key = _key(token_key)
    session = LoggedIn(
        sub=user.username, sid=new_nonce(), proof=_proof(key, user), exp=now + LIFETIME_S
    )
    return jwt.encode(msgspec.to_builtins(session), key, algorithm=ALGORITHM)


def session_of(
    token_key: bytes, cookie: str, users: tuple[User, ...], now: int
) -> tuple[LoggedIn, User] | None:
    """Whose cookie that is; None if it is not good any more, or never was.

    Args:
        token_key: what signs clients' tokens.
        cookie: what the browser shows.
        users: those that there are now.
        now: epoch seconds.
    """
    key = _key(token_key)
    try:
        claims = jwt.decode(cookie, key, algorithms=[ALGORITHM], options={"verify_exp": False})
        session = msgspec.convert(claims, LoggedIn)
    except (jwt.InvalidTokenError, msgspec.ValidationError):
        return None
    if session.exp <= now:
        return None
    for user in users:
        if user.username == session.sub and hmac.compare_digest(_proof(key, user), session.proof):
            return session, user
    return None


def form_token(token_key: bytes, nonce: str) -> str:
    """What a form shows that a page of ours wrote for this session, or for this visit."""
    return hmac.digest(_derived(token_key, _FORMS), nonce.encode(), "sha256").hex()


def is_form_token(token_key: bytes, nonce: str, shown: str) -> bool:
    """Whether it is the one that a page of ours wrote."""
    return hmac.compare_digest(form_token(token_key, nonce).encode(), shown.encode())


def _proof(key: bytes, user: User) -> str:
    return hmac.digest(key, msgspec.json.encode(user), "sha256").hex()


def _key(token_key: bytes) -> bytes:
    return _derived(token_key, _PURPOSE)


def _derived(token_key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose: nothing that it signs can be taken for a client's token."""
    return hmac.digest(token_key, purpose, "sha256")

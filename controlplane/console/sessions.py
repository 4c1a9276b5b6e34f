"""Who has logged in to the console: said by a signed cookie alone, so that any control plane knows.

Nothing is kept of it anywhere. The key is derived from the one that signs clients' tokens, which
all control planes have. A session ends by its time, by logging out (in that browser), and when the
user's name, password or role is not any more what it was. Pure: the time is an argument.
"""

import hmac
import secrets
from typing import Final, TypeVar

import jwt
import msgspec

from contract.tokens import ALGORITHM
from controlplane.users import Principal, Role, User

T = TypeVar("T", bound=msgspec.Struct)

LIFETIME_S: Final = 8 * 3600
"""A shift."""
LIFETIME_BY_ISSUER_S: Final = 3600
"""Then the issuer is asked again, who may not know the user any more."""
_PURPOSE: Final = b"interlock console session"
_FORMS: Final = b"interlock console form"
_NONCE_BYTES: Final = 16


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the cookie says."""

    sub: str
    """The user's name."""
    sid: str
    """Random: what the session's forms are bound to."""
    proof: str
    """Of name, password and role as they were at the log-in; or of what the issuer is trusted for,
    as it was configured."""
    exp: int
    """Epoch seconds after which it is void."""
    role: Role | None = None
    """Of somebody who logged in at the issuer's."""


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
    return signed(key, session)


def new_session_by_issuer(token_key: bytes, user: Principal, trust: bytes, now: int) -> str:
    """The cookie of somebody of whom the issuer has just said who that is.

    Args:
        token_key: what signs clients' tokens.
        user: who logged in, and what they may do.
        trust: what the issuer is trusted for.
        now: epoch seconds.
    """
    key = _key(token_key)
    session = LoggedIn(
        sub=user.username,
        sid=new_nonce(),
        proof=_proof_of(key, trust),
        exp=now + LIFETIME_BY_ISSUER_S,
        role=user.may,
    )
    return signed(key, session)


def session_of(
    token_key: bytes, cookie: str, users: tuple[User, ...], trust: bytes | None, now: int
) -> tuple[LoggedIn, Principal] | None:
    """Whose cookie that is; None if it is not good any more, or never was.

    Args:
        token_key: what signs clients' tokens.
        cookie: what the browser shows.
        users: those that there are now.
        trust: what the issuer is trusted for now; None: there is none.
        now: epoch seconds.
    """
    key = _key(token_key)
    session = read_signed(key, cookie, LoggedIn)
    if session is None or session.exp <= now:
        return None
    named = [user for user in users if user.username == session.sub]
    if session.role is not None:
        is_good = trust is not None and _is(_proof_of(key, trust), session) and not named
        return (session, Principal(session.sub, session.role)) if is_good else None
    for user in named:
        if _is(_proof(key, user), session):
            return session, user.principal
    return None


def signed(key: bytes, said: msgspec.Struct) -> str:
    """What a browser is given to keep."""
    return jwt.encode(msgspec.to_builtins(said), key, algorithm=ALGORITHM)


def read_signed(key: bytes, cookie: str, kind: type[T]) -> T | None:
    """What it shows again, whether or not its time is over; None if it is not what it was given."""
    try:
        claims = jwt.decode(cookie, key, algorithms=[ALGORITHM], options={"verify_exp": False})
        return msgspec.convert(claims, kind)
    except (jwt.InvalidTokenError, msgspec.ValidationError):
        return None


def _is(proof: str, session: LoggedIn) -> bool:
    return hmac.compare_digest(proof, session.proof)


def form_token(token_key: bytes, nonce: str) -> str:
    """What a form shows that a page of ours wrote for this session, or for this visit."""
    return hmac.digest(derived_key(token_key, _FORMS), nonce.encode(), "sha256").hex()


def is_form_token(token_key: bytes, nonce: str, shown: str) -> bool:
    """Whether it is the one that a page of ours wrote."""
    return hmac.compare_digest(form_token(token_key, nonce).encode(), shown.encode())


def _proof(key: bytes, user: User) -> str:
    return _proof_of(key, msgspec.json.encode(user))


def _proof_of(key: bytes, rests_on: bytes) -> str:
    return hmac.digest(key, rests_on, "sha256").hex()


def _key(token_key: bytes) -> bytes:
    return derived_key(token_key, _PURPOSE)


def derived_key(token_key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose: nothing that it signs can be taken for a client's token."""
    return hmac.digest(token_key, purpose, "sha256")

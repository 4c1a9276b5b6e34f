"""What a browser keeps while its user logs in at the issuer's: what the way back has to match.

Signed by a key that all control planes have: any of them may be the one that it comes back to.
Pure: the time is an argument.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

import msgspec

from controlplane.console.sessions import derived_key, new_nonce, read_signed, signed

LIFETIME_S: Final = 600
"""To log in at the issuer's."""
_PURPOSE: Final = b"interlock console sign-on"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """To the issuer, and back."""

    state: str
    """The issuer gives it back: that it was this browser that asked (RFC 6749, section 10.12)."""
    nonce: str
    """The ID token has it: that it was made for this log-in (OpenID Connect Core, 3.1.2.1)."""
    verifier: str
    """Nobody else can do anything with the code that comes back (RFC 7636)."""
    next: str
    """The page of ours that was asked for."""
    exp: int
    """Epoch seconds."""

    @property
    def challenge(self) -> str:
        """Of the verifier, by S256."""
        return urlsafe_b64encode(sha256(self.verifier.encode()).digest()).decode().rstrip("=")

    def matches(self, state: str) -> bool:
        """Whether this is the way that an answer came back on."""
        return hmac.compare_digest(self.state.encode(), state.encode())


def new_way(there: str, now: int) -> Way:
    """To a page of ours, by the issuer's log-in; `now` in epoch seconds."""
    state, nonce, verifier = new_nonce(), new_nonce(), new_nonce() + new_nonce()
    return Way(state=state, nonce=nonce, verifier=verifier, next=there, exp=now + LIFETIME_S)


def sealed(token_key: bytes, way: Way) -> str:
    """The cookie."""
    return signed(derived_key(token_key, _PURPOSE), way)


def way_of(token_key: bytes, cookie: str, now: int) -> Way | None:
    """What a cookie says; None if it is not good any more, or never was."""
    way = read_signed(derived_key(token_key, _PURPOSE), cookie, Way)
    return way if way is not None and now < way.exp else None

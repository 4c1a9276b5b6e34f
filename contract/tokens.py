"""The claims of a client's token, which is its SASL/PLAIN password: a JWT signed with HS256.

The incumbent's tokens have `username`, `vcluster` and `exp` and nothing else; ours add `iat` and
`jti`, so that a revocation can tell old tokens from new ones. Nodes accept both.
"""

import base64
import binascii

import msgspec


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says."""

    username: str
    vcluster: str
    exp: int
    """Epoch seconds after which the token is void."""
    iat: int | None = None
    """Epoch seconds at which it was issued."""
    jti: str | None = None
    """Unique id of the token, for the audit."""


ALGORITHM = "HS256"

MIN_KEY_BYTES = 32
"""Length of the shortest key that may sign tokens (RFC 7518, section 3.2)."""


def decode_key(secret: str) -> bytes:
    """The signing key from `GATEWAY_USER_POOL_SECRET_KEY`: base64 of at least 256 bits.

    Raises:
        ValueError: it is not base64, or shorter; the message does not hold it.
    """
    try:
        key = base64.b64decode(secret, validate=True)
    except binascii.Error:
        raise ValueError("is not base64; make one with: openssl rand -base64 32") from None
    if len(key) < MIN_KEY_BYTES:
        raise ValueError("is shorter than 256 bits; make one with: openssl rand -base64 32")
    return key

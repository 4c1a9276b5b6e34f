"""The claims of a client's token, which is its SASL/PLAIN password: a JWT signed with HS256.

The incumbent's tokens have `username`, `vcluster` and `exp` and nothing else; ours add `iat` and
`jti`, so that a revocation can tell old tokens from new ones. Nodes accept both.
"""

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

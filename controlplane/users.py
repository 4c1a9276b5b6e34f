"""People who may use the administration API and the console, and what each may do.

They are configured (`GATEWAY_ADMIN_API_USERS`), with a password or what is kept of one, or show the
token of an issuer (`issuer`).
"""

import hmac
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

SALT_BYTES: Final = 16
_MEMORY_KIB: Final = 19 * 1024
_ITERATIONS: Final = 2
_LANES: Final = 1
"""OWASP's least for Argon2id (Password Storage Cheat Sheet): 50 ms on a small machine."""


class Role(StrEnum):
    """What somebody may do; each may do all that those before it may."""

    VIEWER = "viewer"
    """Look at everything, and change nothing."""
    OPERATOR = "operator"
    """Switch, abort, turn the mirror round, let nodes go: what the person on call needs."""
    ADMIN = "admin"
    """Tenants, their accounts and tokens, policies, nodes' tokens, and the log."""

    def covers(self, needed: "Role") -> bool:
        """Whether it may do what that role may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Principal(NamedTuple):
    """Who calls, once that is known."""

    username: str
    may: Role


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may call the administration API."""

    username: str
    password: str | None = None
    password_hash: str | None = msgspec.field(default=None, name="passwordHash")
    """Argon2id in the PHC string format, as `interlock user hash` makes it."""
    admin: bool = False
    """The incumbent's: the same as the role admin."""
    role: Role | None = None

    def __post_init__(self) -> None:
        """Raises ValueError if it does not say what it has to, or two things at once."""
        if (self.password is None) == (self.password_hash is None):
            raise ValueError(f"user {self.username} needs either a password or a passwordHash")
        if self.password_hash is not None and not self.password_hash.startswith("$argon2id$"):
            raise ValueError(
                f"passwordHash of user {self.username} is not of Argon2id: make one with"
                " `interlock user hash`"
            )
        if self.admin and self.role not in {None, Role.ADMIN}:
            raise ValueError(f"user {self.username} has admin: true and role: {self.role}")

    @property
    def principal(self) -> Principal:
        """Who that is, once the password was shown."""
        return Principal(self.username, self.may)

    @property
    def may(self) -> Role:
        """The role."""
        return self.role or (Role.ADMIN if self.admin else Role.VIEWER)

    def has_password(self, given: bytes) -> bool:
        """Whether that is the password. With a hash this takes 50 ms: not for an event loop."""
        if self.password_hash is None:
            return hmac.compare_digest(given, (self.password or "").encode())
        try:
            Argon2id.verify_phc_encoded(given, self.password_hash)
        except (InvalidKey, ValueError):
            return False
        return True


def hash_of(password: bytes, salt: bytes) -> str:
    """What is kept of a password.

    Args:
        password: as it is typed.
        salt: random, so many bytes (`SALT_BYTES`).
    """
    function = Argon2id(
        salt=salt, length=32, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB
    )
    return function.derive_phc_encoded(password)

"""Whose password was shown: told in an event loop, though what is kept of one takes its time."""

import asyncio
import hmac
import secrets
from collections.abc import Sequence
from time import monotonic
from typing import Final

from controlplane.users import SALT_BYTES, User, hash_of

REMEMBERED_S: Final = 300.0
"""Clients by Basic authentication show their password with every call."""
_MOST_REMEMBERED: Final = 1000


class Passwords:
    """Of one control plane."""

    def __init__(self) -> None:
        """Nobody has shown any."""
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, float] = {}
        """By digest of user, password and what is kept of it, until which monotonic second that is
        known to be right."""
        self._one_by_one = asyncio.Lock()
        """Each takes 19 MiB, and half a processor is enough for those who guess."""
        self._nobody_s = hash_of(secrets.token_bytes(16), secrets.token_bytes(SALT_BYTES))

    async def user(self, given: bytes, users: Sequence[User]) -> User | None:
        """Who has shown the right password; None if nobody has.

        It takes as long for names that there are not.

        Args:
            given: user name, colon, password.
            users: those that there are.
        """
        name, _, password = given.partition(b":")
        claimed = [user for user in users if hmac.compare_digest(user.username.encode(), name)]
        if not claimed and any(user.password_hash is not None for user in users):
            nobody = User(username="", password_hash=self._nobody_s)
            await self._check(nobody, password)
        for user in claimed:
            if await self._check(user, password):
                return user
        return None

    async def _check(self, user: User, password: bytes) -> bool:
        if user.password_hash is None:
            return user.has_password(password)
        shown = b"\0".join((user.username.encode(), user.password_hash.encode(), password))
        digest = hmac.digest(self._key, shown, "sha256")
        if self._right.get(digest, 0.0) > monotonic():
            return True
        async with self._one_by_one:
            is_right = await asyncio.to_thread(user.has_password, password)
        if is_right:
            while len(self._right) >= _MOST_REMEMBERED:
                del self._right[next(iter(self._right))]
            self._right[digest] = monotonic() + REMEMBERED_S
        return is_right

"""Answers kept by `Idempotency-Key`, in the transaction that did the work."""

import hashlib

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from controlplane.store.jsonb import from_jsonb, to_jsonb


class KeyReusedError(Exception):
    """The key was used before, with another request."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was given before."""

    status: int
    response: str
    """JSON."""


_FIND = sa.text(
    "SELECT request_hash, status, CAST(response AS text) AS response FROM interlock.idempotency_key"
    " WHERE principal = :principal AND key = :key"
)
_KEEP = sa.text(
    "INSERT INTO interlock.idempotency_key (principal, key, request_hash, status, response)"
    " VALUES (:principal, :key, :request_hash, :status, CAST(:response AS jsonb))"
)

_FORGET = sa.text(
    "DELETE FROM interlock.idempotency_key"
    " WHERE principal = :principal AND created_at < now() - interval '1 day'"
)


class IdempotencyKey(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked, under which key, for what."""

    principal: str
    key: str
    request: bytes

    def _hash(self) -> bytes:
        return hashlib.sha256(self.request).digest()

    async def find(self, connection: AsyncConnection) -> Kept | None:
        """The answer that was given under this key.

        Raises:
            KeyReusedError: the request was another one.
        """
        values = {"principal": self.principal, "key": self.key}
        row = (await connection.execute(_FIND, values)).one_or_none()
        if row is None:
            return None
        if row.request_hash != self._hash():
            raise KeyReusedError(
                f"Idempotency-Key {self.key!r} was used with another request: choose a new key"
            )
        return Kept(status=row.status, response=from_jsonb(row.response))

    async def keep(self, connection: AsyncConnection, status: int, response: str) -> None:
        """Keep the answer."""
        await connection.execute(
            _KEEP,
            {
                "principal": self.principal,
                "key": self.key,
                "request_hash": self._hash(),
                "status": status,
                "response": to_jsonb(response),
            },
        )

    async def forget_old(self, connection: AsyncConnection) -> None:
        """Forget the principal's answers of more than a day ago: nobody asks so late again."""
        await connection.execute(_FORGET, {"principal": self.principal})

"""Memory for the large frames of clients and brokers: allocated while there is some, and counted.

As with Kafka's `MemoryPool` (`SimpleMemoryPool`, not strict) a buffer is to be had as long as the
pool is not used up, however large it is: at most the last one goes beyond the size. What was
allocated comes back by itself when nobody holds it any more, be it a request that waits for its
answer or a socket that its peer does not read. Pure: the time is an argument.
"""

from collections.abc import Iterable
from mmap import mmap
from typing import Final, TypeAlias

UNLIMITED = float("inf")
LARGE: Final = 16 << 20
"""Bytes of a buffer that is filled with zeros in some milliseconds. For what is larger the kernel
makes pages one by one, as they are written to: that costs more, and nobody waits for all of it."""

PooledBuffer: TypeAlias = bytearray | mmap


class MemoryPool:
    """So many bytes. A pool within another one takes from both."""

    __slots__ = ("_allocated_at", "name", "size", "used", "within")

    def __init__(
        self, size: float = UNLIMITED, within: "MemoryPool | None" = None, name: str = ""
    ) -> None:
        """Begin with all of it free; the name says whose it is."""
        self.name = name
        self.size = size
        self.within = within
        self.used = 0
        """Bytes that somebody holds, in pools within this one as well."""
        self._allocated_at: dict[int, float] = {}

    def used_up(self) -> "MemoryPool | None":
        """The pool that has no memory left: this one, or the nearest one around it."""
        pool: MemoryPool | None = self
        while pool is not None and pool.used < pool.size:
            pool = pool.within
        return pool

    def is_within(self, other: "MemoryPool") -> bool:
        """Whether this is the other one, or takes from it."""
        pool: MemoryPool | None = self
        while pool is not None and pool is not other:
            pool = pool.within
        return pool is not None

    def try_allocate(self, size: int, now: float) -> PooledBuffer | None:
        """A buffer of so many bytes; None if there is no memory left."""
        return None if self.used_up() else self.allocate(size, now)

    def allocate(self, size: int, now: float) -> PooledBuffer:
        """The same, even if there is none left."""
        buffer = _Filled(size) if size <= LARGE else _Mapped(-1, size)
        buffer.pool = self  # only now: a buffer that could not be made is not to come back
        self._allocated_at[id(buffer)] = now
        self._count(size)
        return buffer

    def oldest(self) -> float:
        """When the first of the buffers was allocated that are not back; infinite if all are."""
        return next(iter(self._allocated_at.values()), UNLIMITED)

    def release(self, buffer: PooledBuffer) -> None:
        """A buffer is held by nobody any more."""
        del self._allocated_at[id(buffer)]
        self._count(-len(buffer))

    def _count(self, size: int) -> None:
        pool: MemoryPool | None = self
        while pool is not None:
            pool.used += size
            pool = pool.within


class _Filled(bytearray):
    """Goes back when the last view of it has gone."""

    pool: MemoryPool | None = None

    def __del__(self) -> None:
        if self.pool is not None:
            self.pool.release(self)


class _Mapped(mmap):
    """The same, of memory that is no file's."""

    pool: MemoryPool | None = None

    def __del__(self) -> None:
        if self.pool is not None:
            self.pool.release(self)


def slowest(
    pools: Iterable[MemoryPool], used_up: MemoryPool, allocated_before: float
) -> MemoryPool | None:
    """Of connections' pools the one whose connection is to make room in a pool that is used up.

    Only those count that have held something since before a moment: who gets on gives it back. The
    account that holds most comes first, so that none is closed for what others use.
    """
    slow = [p for p in pools if p.oldest() < allocated_before and p.is_within(used_up)]
    return max(slow, key=_account_then_own, default=None)


def _account_then_own(pool: MemoryPool) -> tuple[int, int]:
    return (pool.within.used if pool.within is not None else 0, pool.used)

"""What the large frames of all clients of a node may take, and who has to wait for some of it.

A connection that needs more than there is is not read (Kafka's brokers mute theirs likewise, when
`queued.max.request.bytes` are used up), and reads on when others have given theirs back.
"""

from typing import Protocol

from dataplane.gateway.memory_pool import MemoryPool


class Starved(Protocol):
    """Waits for memory."""

    @property
    def pool(self) -> MemoryPool:
        """Of its connection."""
        ...

    def take_memory(self) -> bool:
        """Read on if there is enough now; whether it does, or needs none any more."""
        ...


class NodeMemory:
    """The node's pool, and pools of accounts within it."""

    def __init__(self, *, node_bytes: int, account_bytes: int) -> None:
        """Begin with all of it free."""
        self.node = MemoryPool(node_bytes, name="the node")
        self._account_bytes = account_bytes
        self.strangers = self.new_account("who has not logged in")
        """Of all of them together."""
        self._starved: dict[Starved, float] = {}

    def new_account(self, name: str) -> MemoryPool:
        """The pool of one account."""
        return MemoryPool(self._account_bytes, within=self.node, name=name)

    @property
    def waiting(self) -> int:
        """Connections that wait for memory."""
        return len(self._starved)

    def wait(self, starved: Starved, now: float) -> None:
        """Somebody needs more than there is."""
        self._starved.setdefault(starved, now)

    def gone(self, starved: Starved) -> None:
        """Somebody needs none any more."""
        self._starved.pop(starved, None)

    def go_on(self) -> None:
        """Let those read on for whom there is memory again: who has waited longest is first."""
        for starved in tuple(self._starved):
            if starved.take_memory():
                self.gone(starved)

    def used_up_since(self, before: float) -> MemoryPool | None:
        """A pool that somebody has waited for since before a monotonic second."""
        late = (starved for starved, since in self._starved.items() if since < before)
        return next((pool for starved in late if (pool := starved.pool.used_up())), None)

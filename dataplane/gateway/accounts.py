"""The accounts whose clients this node serves: what they may do, how much, and how much they do.

Limits are each node's own: with n nodes an account can have n times as much (as with the quotas of
Kafka's brokers).
"""

from dataclasses import replace
from time import monotonic
from typing import Protocol

from contract.fold import ControlState
from contract.policy import Limits
from contract.records import ServiceAccount, VirtualCluster
from dataplane.gateway.aliases import Aliases
from dataplane.gateway.memory_pool import MemoryPool
from dataplane.gateway.node_memory import NodeMemory
from dataplane.gateway.token_bucket import TokenBucket
from dataplane.virtual.rights import Rights

LONGEST_THROTTLE = 10.0
"""Seconds of one throttle at most: what a client has sent waits for so long, and it gives up on it
after 30 s (`request.timeout.ms`). What is still owed then is added to the next."""


UNSETTLED = 1000
"""Elements that are added up before they are settled: two milliseconds, or many light frames."""


class Mutable(Protocol):
    """A connection of an account."""

    def mute_for(self, seconds: float) -> bool:
        """Listen to the client no more for so long."""
        ...


class Meter:
    """The bytes that an account writes and reads. None where there is no limit."""

    __slots__ = ("fetch", "produce")

    def __init__(self, produce: TokenBucket | None, fetch: TokenBucket | None) -> None:
        self.produce = produce
        self.fetch = fetch

    def wrote(self, size: int, now: float) -> float:
        """Seconds for which the client is not to be listened to, after it wrote so many bytes."""
        return _wait(self.produce, size, now)

    def read(self, size: int, now: float) -> float:
        """The same after it was given so many bytes."""
        return _wait(self.fetch, size, now)


def _wait(bucket: TokenBucket | None, size: int, now: float) -> float:
    return min(bucket.take(size, now), LONGEST_THROTTLE) if bucket is not None else 0.0


class Account:
    """One account on this node. Live: connections look here, and records change it."""

    __slots__ = (
        "_elements",
        "effort",
        "limits",
        "memory",
        "meter",
        "name",
        "relays",
        "rights",
        "unheard",
        "vcluster",
    )

    def __init__(
        self, rights: Rights, limits: Limits, memory: MemoryPool, elements: int, now: float
    ) -> None:
        self.vcluster = rights.vcluster
        self.name = rights.account
        self.relays: set[Mutable] = set()
        """Of all its connections."""
        self.unheard = 0
        """Broker connections that are kept for clients of it that have hung up."""
        self.memory = memory
        """For large frames of all of them."""
        self.effort = 0
        """Elements that were looked at for it and are not settled yet: see `settle`."""
        self._elements = TokenBucket(elements, now)
        self.rights = rights
        self.limits = Limits()
        self.meter: Meter | None = None
        """None if nothing is limited: the data path asks no more than that."""
        self.change(rights, limits, now)

    @property
    def connections(self) -> int:
        """Open ones."""
        return len(self.relays)

    def settle(self, now: float) -> bool:
        """Mute all its connections until the effort is paid for; whether it is not yet."""
        wait = min(self._elements.take(self.effort, now), LONGEST_THROTTLE)
        self.effort = 0
        if wait > 0:
            for relay in tuple(self.relays):
                relay.mute_for(wait)
        return wait > 0

    @property
    def is_full(self) -> bool:
        """Whether it may open no more connections."""
        return self.limits.connections is not None and self.connections >= self.limits.connections

    def change(self, rights: Rights, limits: Limits, now: float) -> None:
        """Follow new records. A rate that is as before goes on where it stands."""
        self.rights = rights
        if limits == self.limits:
            return
        self.limits = limits
        before = self.meter
        produce = _bucket(limits.produce_bytes_per_second, before.produce if before else None, now)
        fetch = _bucket(limits.fetch_bytes_per_second, before.fetch if before else None, now)
        self.meter = Meter(produce, fetch) if produce or fetch else None


def _bucket(rate: int | None, before: TokenBucket | None, now: float) -> TokenBucket | None:
    if rate is None:
        return None
    return before if before is not None and before.rate == rate else TokenBucket(rate, now)


class Accounts:
    """All of them, made when first asked for."""

    def __init__(
        self, control: ControlState, aliases: Aliases, memory: NodeMemory, elements: int
    ) -> None:
        """Read rights and limits from the records that the node follows.

        Each may have so many elements looked at in a second, and memory of the node's.
        """
        self._elements = elements
        self._memory = memory
        self._control = control
        self._aliases = aliases
        self._known: dict[tuple[str, str], Account] = {}

    def of(self, vcluster: str, name: str) -> Account:
        """An account, whether or not there is a record of it."""
        known = self._known.get((vcluster, name))
        if known is None:
            rights, limits = self._laid_down(vcluster, name)
            memory = self._memory.new_account(f"account {name} of {vcluster}")
            known = Account(rights, limits, memory, self._elements, monotonic())
            self._known[vcluster, name] = known
        return known

    def changed(self, vcluster: str) -> None:
        """Something was laid down anew for a virtual cluster, or for an account of it."""
        for account in self._known.values():
            if account.vcluster == vcluster:
                account.change(*self._laid_down(vcluster, account.name), monotonic())

    def _laid_down(self, vcluster: str, name: str) -> tuple[Rights, Limits]:
        tenant = self._control.get(f"vcluster/{vcluster}")
        account = self._control.get(f"account/{vcluster}/{name}")
        rights, limits = Rights(vcluster=vcluster, account=name), Limits()
        if isinstance(tenant, VirtualCluster):
            rights = Rights(vcluster=vcluster, account=name, rules=tenant.policy.topics)
            limits = tenant.policy.account_limits
        if aliases := self._aliases.of(vcluster):
            rights = replace(
                rights,
                aliases=frozenset(a.logical for a in aliases),
                read_only_aliases=frozenset(a.logical for a in aliases if a.read_only),
            )
        if isinstance(account, ServiceAccount):
            rights = replace(rights, read_only=account.read_only)
            limits = account.limits.over(limits)
        return rights, limits

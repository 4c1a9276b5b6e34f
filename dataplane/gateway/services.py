"""What a client connection needs from its gateway; here, so that neither imports the other."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from contract.fold import ControlState
from contract.issuer_keys import IssuerKeys
from dataplane.gateway.accounts import Accounts
from dataplane.gateway.frames import LentBuffer
from dataplane.gateway.inventory import Inventory
from dataplane.gateway.logins import Logins
from dataplane.gateway.mechanisms import Mechanisms
from dataplane.gateway.memory_pool import MemoryPool
from dataplane.gateway.node_memory import NodeMemory
from dataplane.gateway.scope import Scope
from dataplane.gateway.tallies import Tallies
from dataplane.gateway.tenant import Tenant, Views
from dataplane.gateway.topic_names import TopicNames
from dataplane.gateway.upstream_connection import Owner, UpstreamConnection
from dataplane.gateway.write_order import WriteOrder
from dataplane.relay.exchange import Request
from dataplane.relay.lease import Lease
from dataplane.virtual.answers import Software
from dataplane.virtual.apis import APIS
from dataplane.virtual.division import Ruling
from dataplane.virtual.relayed import Relayed
from dataplane.wire.primitives import Buffer


@dataclass(slots=True)
class Counters:
    """What the node counts about its clients."""

    connections_opened: int = 0
    connections_closed: int = 0
    connections_closed_by_node: int = 0
    """Those of them that the client had not ended itself."""
    authentications_failed: int = 0
    batches: int = 0
    """Times that requests were sent to a broker, one or many at once."""
    requests_held: int = 0
    """Requests that waited for a scope to be served, counted when it was."""
    held_too_long: int = 0
    """Requests that were answered with a retriable error because the hold limit had passed."""
    held_in_vain: int = 0
    """Requests that were not sent because their clients had hung up meanwhile."""
    unheard_told: int = 0
    """Changes of topics that were told although their clients had hung up."""
    unheard_unknown: int = 0
    """Clients that hung up on a change of topics whose outcome is unknown."""
    throttled: int = 0
    """Times that a client was not listened to for a while, having used more than it may."""
    closed_for_memory: int = 0
    """Connections that were closed because they held memory that others waited for."""
    writes_repeated: int = 0
    """Produce requests with a batch that the cluster before the switch had appended."""
    writes_cut: int = 0
    """Writes whose outcome stayed unknown because their connection had to be dropped."""
    requests: list[int] = field(default_factory=lambda: [0] * (max(APIS) + 1))
    """By API key."""


class ClientRelay(Owner, Protocol):
    """The way from one client to its broker, as the gateway sees it."""

    slot: int
    tenant: Tenant

    @property
    def is_over(self) -> bool:
        """Whether the client is going."""
        ...

    @property
    def waiting(self) -> int:
        """Requests that are held."""
        ...

    @property
    def parked(self) -> int:
        """Requests that wait for the end of a switch, out of the way of the others."""
        ...

    @property
    def in_flight(self) -> int:
        """Requests that a broker has and has not answered."""
        ...

    def upstream_opened(self, upstream: UpstreamConnection) -> None:
        """A broker is connected."""

    def upstream_failed(self, reason: str) -> None:
        """No broker can be reached."""

    def dial_abandoned(self) -> None:
        """The scope was closed while a broker was being dialled."""

    def refuse_overdue(self, before: float) -> None:
        """Answer what waits since before a monotonic second with a retriable error."""

    def answer_parked(self, now: float) -> None:
        """Answer what has been parked for as long as its client can wait."""

    def renew_upstream(self, now: float) -> None:
        """Exchange a broker connection whose session ends."""


class Client(Protocol):
    """A client connection, as the gateway sees it."""

    connected_at: float
    session_ends: float
    """Monotonic second after which the client has to have authenticated again."""
    transport: asyncio.Transport
    pool: MemoryPool
    """What its large frames take, and those that it is answered."""

    @property
    def software(self) -> Software:
        """What it says it is."""
        ...

    @property
    def relay(self) -> ClientRelay | None:
        """The way to its broker; None until it has logged in."""
        ...

    def close(self, reason: str) -> None:
        """End the connection, with one line in the log that says why."""

    def abort(self, reason: str) -> None:
        """The same at once, even if the client has not read all of its answers."""


class Services(Protocol):
    """The gateway, as a client connection sees it."""

    lease: Lease
    counters: Counters
    tallies: Tallies
    inventory: Inventory
    control: ControlState
    views: Views
    accounts: Accounts
    memory: NodeMemory
    mechanisms: Mechanisms
    issuer_keys: IssuerKeys
    logins: Logins
    longest_session: timedelta
    """After which clients authenticate again at the latest; zero: when their proof ends."""
    shows_certificates: bool
    """Whether clients prove who they are in the TLS handshake."""
    connections: set[Client]
    write_order: WriteOrder
    topic_names: TopicNames
    relayed: Relayed
    lent_buffer: LentBuffer
    """Where the sockets of the node's loop are read into."""

    def scope(self, name: str) -> Scope:
        """The scope of that name."""
        ...

    def dial(self, relay: ClientRelay, scope: Scope) -> None:
        """Connect to the broker of the client's slot, and hand the connection over."""
        ...

    def lease_lapsed(self) -> None:
        """The data path has seen that the lease is over."""
        ...

    def judge(self, tenant: Tenant, frame: Buffer) -> Ruling | None:
        """Look into a request; None if it goes on as it is. Raises MalformedFrameError."""
        ...

    def topics_changed(self, tenant: Tenant, request: Request) -> None:
        """A client created or deleted topics."""
        ...

"""What a client connection needs from its gateway; here, so that neither imports the other."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from contract.fold import ControlState
from dataplane.gateway.scope import Scope
from dataplane.gateway.tenant import Tenant, Views
from dataplane.node.machine import NEVER
from dataplane.virtual.apis import APIS

if TYPE_CHECKING:
    from dataplane.gateway.client_connection import ClientConnection
    from dataplane.gateway.exchange import Request


@dataclass(slots=True)
class Lease:
    """The one number that the data path asks before it forwards and before it relays."""

    deadline: float = NEVER
    """Monotonic second up to which the node may serve."""


@dataclass(slots=True)
class Counters:
    """What the node counts about its clients."""

    connections_opened: int = 0
    connections_closed: int = 0
    authentications_failed: int = 0
    batches: int = 0
    """Times that requests were sent to a broker, one or many at once."""
    requests_held: int = 0
    """Requests that waited for a scope to be served, counted when it was."""
    held_too_long: int = 0
    """Requests that were answered with a retriable error because the hold limit had passed."""
    writes_cut: int = 0
    """Writes whose outcome stayed unknown because their connection had to be dropped."""
    requests: list[int] = field(default_factory=lambda: [0] * (max(APIS) + 1))
    """By API key."""


class Services(Protocol):
    """The gateway, as a client connection sees it."""

    lease: Lease
    counters: Counters
    control: ControlState
    views: Views
    signing_key: bytes
    connections: "set[ClientConnection]"

    def scope(self, name: str) -> Scope:
        """The scope of that name."""
        ...

    def dial(self, client: "ClientConnection", scope: Scope) -> None:
        """Connect to the broker of the client's slot, and hand the connection over."""
        ...

    def lease_lapsed(self) -> None:
        """The data path has seen that the lease is over."""
        ...

    def topics_changed(self, tenant: Tenant, request: "Request") -> None:
        """A client created or deleted topics."""
        ...

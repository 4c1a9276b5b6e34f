"""Production's relay and scope with one safety rule taken away, each to be found missing."""

from types import MappingProxyType
from typing import Any, ClassVar

from dataplane.gateway.scope import Scope
from dataplane.node.machine import Command, Order
from dataplane.relay.machine import RelayMachine
from dataplane.relay.upstream_state import (
    HOLDS_ONE,
    TRANSITIONS,
    RelayOrder,
    Transitions,
    UpstreamEvent,
    UpstreamState,
)


class SendsThroughAClosedDoor(RelayMachine[Any]):
    """N2: requests are sent whatever the scope and the lease say."""

    def may_send(self, now: float) -> bool:  # noqa: ARG002 - that is the fault
        return self.state is UpstreamState.CONNECTED


class RelaysWithoutLease(RelayMachine[Any]):
    """N3: answers are relayed whatever the lease says."""

    def may_relay(self, now: float) -> bool:  # noqa: ARG002 - that is the fault
        return True


class TakesAnyEpoch(RelayMachine[Any]):
    """A broker that was dialled before the scope moved is used after it."""

    def is_of_use(self, epoch: int) -> bool:  # noqa: ARG002 - that is the fault
        return True


class LetsGoOfWrites(RelayMachine[Any]):
    """N6: a fence does not wait for writes in flight."""

    @property
    def is_drained(self) -> bool:
        return True


class KeepsAfterLateAnswers(RelayMachine[Any]):
    """Answers that came too late are left out, and their connection is kept."""

    transitions: ClassVar[Transitions] = MappingProxyType(
        TRANSITIONS
        | {(state, UpstreamEvent.LATE): (state, (RelayOrder.TELL_LAPSE,)) for state in HOLDS_ONE}
    )


class KeepsConnectionsAfterGap(Scope):
    """N5: broker connections outlive a gap in the node's leases."""

    def carry_out(self, command: Command, now: float) -> None:
        if command.order is Order.DROP:
            self.is_open = False
        else:
            super().carry_out(command, now)


class DrainedWithConnections(Scope):
    """N6: a node says that it is drained while it has connections."""

    def _tell_if_empty(self) -> None:
        if not self.is_open:
            self._upstreams_closed(self.name)


UNSAFE_SCOPES: dict[str, type[Scope]] = {
    "N5 connections kept": KeepsConnectionsAfterGap,
    "N6 drained with connections": DrainedWithConnections,
}
UNSAFE_RELAYS: dict[str, type[RelayMachine[Any]]] = {
    "N2 the door": SendsThroughAClosedDoor,
    "N3 the lease": RelaysWithoutLease,
    "N6 writes in flight": LetsGoOfWrites,
    "the epoch of a broker": TakesAnyEpoch,
    "late answers cut": KeepsAfterLateAnswers,
}

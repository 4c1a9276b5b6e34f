"""Postgres as the planes use it: an event log that is appended to in turn, reports, and a lock."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from contract.records import Routing
from contract.session import ScopeReport
from controlplane.domain.event import Recorded
from controlplane.domain.switch import events
from controlplane.domain.switch.state import Switch, after
from tests.simulation.timeline import Process, Timeline

SCOPE: Final = "main"
_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
_NO_ID: Final = UUID(int=0)


class Joined(NamedTuple):
    """The record of a node's registration."""

    node: str
    life: int


class Known(NamedTuple):
    """The record of what producers had written when a switch was about to commit."""

    last: tuple[tuple[str, int], ...]


Record: TypeAlias = tuple[int, Routing | Joined | Known]


class Report(NamedTuple):
    """A node's newest report."""

    life: int
    applied: int
    scope: ScopeReport | None
    at: float


class Database:
    """Each method is one transaction."""

    def __init__(self, timeline: Timeline) -> None:
        """One scope, served by the cluster of the same name."""
        self._timeline = timeline
        self.seq = 1
        first = Routing(scope=SCOPE, cluster="main", epoch=0, state="serving", term=0)
        self.records: list[Record] = [(1, first)]
        self.routing = first
        self.fence_seq = 1
        self.switch: Switch | None = None
        self.reports: dict[str, Report] = {}
        self.members: dict[str, int] = {}
        """The life in which each node registered last."""
        self.story: list[tuple[float, events.SwitchEvent]] = []
        self._leader: tuple[Process, int] | None = None

    def try_to_lead(self, plane: Process) -> bool:
        """Take the advisory lock, unless a session that still lives has it."""
        if self._leader is not None:
            leader, life = self._leader
            if leader.running and leader.life == life:
                return (leader, life) == (plane, plane.life)
        self._leader = plane, plane.life
        return True

    def oust(self, plane: Process) -> None:
        """Its session is lost, and with it the lock, whatever the process believes."""
        if self._leader is not None and self._leader[0] is plane:
            self._leader = None

    def leads(self, plane: Process) -> bool:
        """Whether its session still holds the lock."""
        return self._leader == (plane, plane.life)

    def register(self, node: str, life: int) -> None:
        """A process begins to be this node, unless a later one is it already."""
        if self.members.get(node, 0) >= life:
            return
        self.members[node] = life
        self.seq += 1
        self.records.append((self.seq, Joined(node, life)))

    def report(self, node: str, said: Report) -> bool:
        """Keep a report; whether it earns a lease (C2)."""
        if self.members.get(node) != said.life:
            return False
        self.reports[node] = said
        return said.applied >= self.fence_seq

    def append(self, event: events.SwitchEvent) -> None:
        """Record an event, and the control record that follows from it."""
        self.seq += 1
        self.story.append((self._timeline.now, event))
        asks = isinstance(event, events.SwitchRequested)
        version = 1 if self.switch is None or asks else self.switch.version + 1
        recorded = Recorded(
            event_id=_NO_ID,
            seq=self.seq,
            version=version,
            recorded_at=_BEGINNING + timedelta(seconds=self._timeline.now),
            actor="simulation",
            reason=None,
            event=event,
        )
        self.switch = after(None if asks else self.switch, recorded)
        self._project(event, self.switch)

    def know(self, last: dict[str, int]) -> None:
        """Record what producers have written."""
        self.seq += 1
        self.records.append((self.seq, Known(tuple(sorted(last.items())))))

    def _project(self, event: events.SwitchEvent, switch: Switch) -> None:
        routing = msgspec.structs.replace(self.routing, term=switch.term)
        match event:
            case events.QuiesceOrdered():
                routing = msgspec.structs.replace(routing, state="quiescing")
            case events.TransactionsHeld():
                routing = msgspec.structs.replace(routing, holds_transactions=True)
            case events.FenceOrdered():
                routing = msgspec.structs.replace(routing, state="fenced")
            case events.SwitchCommitted(epoch=epoch):
                routing = msgspec.structs.replace(
                    routing, state="serving", cluster=switch.to_cluster, epoch=epoch
                )
            case events.SwitchAborted():
                routing = msgspec.structs.replace(routing, state="serving")
            case _:
                return
        self.routing = routing
        self.records.append((self.seq, routing))
        if routing.state != "quiescing":
            self.fence_seq = self.seq

"""Postgres as the planes use it: an event log that is appended to in turn, reports, and a lock."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from contract.records import Routing
from contract.session import ScopeReport
from controlplane.domain.event import Event, Recorded
from controlplane.domain.events import LogReconciled
from controlplane.domain.switch import events
from controlplane.domain.switch.state import Switch, after, cut_short
from tests.simulation.timeline import Process, Timeline

SCOPE: Final = "main"
_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
_NO_ID: Final = UUID(int=0)
_RECONCILED: Final = LogReconciled(log="log", lost_from=1, through_seq=1, digest="", records=())


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


class State(NamedTuple):
    """Everything that a backup has."""

    seq: int
    records: int
    routing: Routing
    fence_seq: int
    switch: Switch | None
    members: dict[str, int]


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
        self.was_restored = False
        self.reconciled_seq = 0
        self.compares = True
        """Whether a report that knows more than the log is told from others."""
        self._leader: tuple[Process, int] | None = None
        self._backups: list[State] = []
        self._marks: dict[int, str] = {}
        """What each event is known by, as by its hash: no two ever have the same."""
        self._written = 0
        self._back_up()

    def _back_up(self) -> None:
        self._written += 1
        self._marks[self.seq] = str(self._written)
        self._backups.append(
            State(
                self.seq,
                len(self.records),
                self.routing,
                self.fence_seq,
                self.switch,
                dict(self.members),
            )
        )

    def mark_at(self, seq: int) -> str | None:
        """What the event of a `seq` is known by; None if there is none."""
        return self._marks.get(seq)

    def restore(self, events_lost: int) -> None:
        """Be as it was so many events ago; leaders have lost their sessions."""
        del self._backups[max(1, len(self._backups) - events_lost) :]
        backup = self._backups[-1]
        self.seq, self.routing, self.fence_seq = backup.seq, backup.routing, backup.fence_seq
        self.switch, self.members = backup.switch, dict(backup.members)
        self.records = self.records[: backup.records]
        self._marks = {seq: mark for seq, mark in self._marks.items() if seq <= self.seq}
        self.reports, self._leader, self.was_restored = {}, None, True

    def take_back(self, topic: list[Record], through_seq: int) -> None:
        """One event: what was broadcast is so."""
        newest = [record for _, record in topic if isinstance(record, Routing)][-1]
        self.records = list(topic)
        self.seq = self.reconciled_seq = max(self.seq, through_seq) + 1
        self.routing = msgspec.structs.replace(newest, state="serving", holds_transactions=False)
        self.members = {r.node: r.life for _, r in topic if isinstance(r, Joined)}
        self.records.append((self.seq, self.routing))
        self.fence_seq, self.reports = self.seq, {}
        if self.switch is not None and self.switch.open:
            self.switch = cut_short(self.switch, self._recorded(_RECONCILED, 1), newest.epoch)
        self._back_up()

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
        self._back_up()

    def report(self, node: str, said: Report) -> bool:
        """Keep a report; whether it earns a lease (C2)."""
        if self.members.get(node) != said.life:
            return False
        self.reports[node] = said
        return self.fence_seq <= said.applied and (said.applied <= self.seq or not self.compares)

    def append(self, event: events.SwitchEvent) -> None:
        """Record an event, and the control record that follows from it."""
        self.seq += 1
        self.story.append((self._timeline.now, event))
        asks = isinstance(event, events.SwitchRequested)
        version = 1 if self.switch is None or asks else self.switch.version + 1
        self.switch = after(None if asks else self.switch, self._recorded(event, version))
        self._project(event, self.switch)
        self._back_up()

    def _recorded(self, event: Event, version: int) -> Recorded:
        return Recorded(
            event_id=_NO_ID,
            seq=self.seq,
            version=version,
            recorded_at=_BEGINNING + timedelta(seconds=self._timeline.now),
            actor="simulation",
            reason=None,
            event=event,
        )

    def know(self, last: dict[str, int]) -> None:
        """Record what producers have written."""
        self.seq += 1
        self.records.append((self.seq, Known(tuple(sorted(last.items())))))
        self._back_up()

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

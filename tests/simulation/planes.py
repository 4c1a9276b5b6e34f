"""A control plane: production's `next_steps` and `Memory`, in a shell that probes and publishes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from controlplane.coordinator.memory import Memory
from controlplane.domain.copies import Copy
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch.events import PositionsTranslated
from controlplane.domain.switch.state import Switch
from controlplane.domain.switch.step import Append, Probe
from controlplane.domain.switch.steps import next_steps
from controlplane.domain.switch.view import (
    Losses,
    MirrorState,
    NodeView,
    Numbers,
    Positions,
    Preflight,
    Sweep,
    Transactions,
    View,
)
from tests.simulation.database import Record, Report
from tests.simulation.restoring import may_decide
from tests.simulation.timeline import Process

if TYPE_CHECKING:
    from tests.simulation.gateways import Gateway
    from tests.simulation.world import World

CANDIDATE_S = 0.3
LEAD_S = 0.1
PUBLISH_S = 0.1
ALIVE_S = 3.0
RECORDS_TOO = 0.6
LOOK_S = 2.0


class Plane(Process):
    """One control plane."""

    def __init__(self, world: "World", name: str, drift: float) -> None:
        """It has not started yet."""
        super().__init__(name, world.timeline, world.seed, drift)
        self._world = world

    def begin(self) -> None:
        """Start with nothing but what the database has."""
        self.leading = False
        self._memory: Memory | None = None
        self._switch_id = ""
        self._published_seq = 0
        self._probing = False
        self._looks = 0
        self._last: dict[str, int] = {}
        self._read: Copy | None = None
        self._topic_seq: int | None = None
        if self._world.restores:
            self._look_at_topic()
            self.after(LOOK_S, self._go_without_topic)
        self.every(CANDIDATE_S, self._stand)
        self.every(LEAD_S, self._lead)
        self.every(PUBLISH_S, self._publish)

    # --- whether the log is all of the truth ---------------------------------------------------

    @property
    def read_up_to(self) -> int:
        """The newest event that it has read."""
        return self._read.seq if self._read is not None else 0

    def _look_at_topic(self) -> None:
        topic = self._world.topic
        self._world.network.ask(
            self, "topic", lambda: topic[-1][0] if topic else 0, self._looked_at_topic
        )
        self.after(LOOK_S / 4, self._look_at_topic)

    def _looked_at_topic(self, seq: int) -> None:
        self._topic_seq = max(seq, self._topic_seq or 0)

    def _go_without_topic(self) -> None:
        self._topic_seq = self._topic_seq or 0

    def _may_decide(self) -> bool:
        """In the transaction at hand; what it reads then it remembers."""
        database = self._world.database
        if not self._world.restores:
            return True
        if self._topic_seq is None:
            return False
        if self._read is not None and self._read.seq < database.reconciled_seq:
            self._read = None
        topic = Copy(where="the topic", log="log", seq=self._topic_seq)
        known = [topic, *([self._read] if self._read is not None else [])]
        if not may_decide(database, known):
            return False
        mark = database.mark_at(database.seq)
        self._read = Copy(where=self.name, log="log", seq=database.seq, digest=mark)
        return True

    def _ask(self, question: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._world.network.ask(self, "database", question, then)

    # --- nodes -------------------------------------------------------------------------------

    def hear_report(self, node: "Gateway", said: Report, answer: Callable[[Any], None]) -> None:
        """Keep what a node says, and tell it of records and of its lease."""
        world, database = self._world, self._world.database
        lease = world.timing.lease_s

        def judge() -> tuple[bool, float, list[Record]]:
            may_decide = self._may_decide()
            if may_decide:
                database.register(node.name, said.life)
            now = world.timeline.now
            granted = database.report(node.name, said._replace(at=now)) and may_decide
            granted = granted or world.flaws.grant_to_anyone
            # Records have a request of their own, which may be later or lost.
            records = list(database.records) if self.chance.random() < RECORDS_TOO else []
            return granted, lease, records

        def tell(told: Any) -> None:
            life = said.life
            world.network.send(self.name, node.name, lambda: node.take(life, lambda: answer(told)))

        self._ask(judge, tell)

    # --- leading -----------------------------------------------------------------------------

    def _stand(self) -> None:
        if not self.leading:
            self._ask(lambda: self._world.database.try_to_lead(self), self._elected)
        else:
            self._ask(lambda: self._world.database.leads(self), self._told_whether_it_leads)

    def _elected(self, elected: bool) -> None:  # noqa: FBT001 - it is the answer
        if elected and not self.leading:
            self.leading = True
            self._memory, self._published_seq, self._probing = None, 0, False

    def _told_whether_it_leads(self, leads: bool) -> None:  # noqa: FBT001 - it is the answer
        self.leading = leads

    def _publish(self) -> None:
        """Bring the control topic up to date, record by record."""
        if not self.leading:
            return
        topic, database = self._world.topic, self._world.database

        def hand_over(records: list[Record]) -> None:
            def append() -> int:
                if not self._world.flaws.compares:
                    end = topic[-1][0] if topic else 0
                    topic.extend(record for record in records if record[0] > end)
                elif len(topic) < len(records) and records[: len(topic)] == topic:
                    topic.extend(records[len(topic) :])
                return topic[-1][0] if topic else 0

            self._world.network.ask(self, "topic", append, self._published)

        self._ask(lambda: list(database.records) if self._may_decide() else [], hand_over)

    def _published(self, seq: int) -> None:
        self._published_seq = max(self._published_seq, seq)

    def _lead(self) -> None:
        if self.leading:
            self._ask(self._decide, self._probe)

    def _decide(self) -> tuple[Switch, Probe] | None:
        """In one transaction: look at everything, and append what follows; else what to look at."""
        database = self._world.database
        switch = database.switch
        if not self._may_decide():
            database.oust(self)
            return None
        if switch is None or not switch.open:
            return None
        if self._memory is None or self._switch_id != switch.switch_id:
            age = self._world.timeline.now - self._world.requested_at
            self._memory = Memory(requested_at=self.clock() - age)
            self._switch_id = switch.switch_id
        self._memory.see(switch, self._published_seq, self.clock())
        steps = next_steps(self._view(switch, self._memory), self.clock(), self._world.flaws.rules)
        appends = [step for step in steps if isinstance(step, Append)]
        for append in appends:
            self._append(append)
        probes = [step for step in steps if isinstance(step, Probe)]
        return (switch, probes[0]) if probes and not appends else None

    def _append(self, append: Append) -> None:
        for event in append.events:
            if isinstance(event, PositionsTranslated):
                self._world.database.know(self._last)
            self._world.happened(event)

    def _view(self, switch: Switch, memory: Memory) -> View:
        database, now = self._world.database, self._world.timeline.now
        return View(
            switch=switch,
            nodes=tuple(
                _node(node, life, database.reports.get(node), now)
                for node, life in database.members.items()
            ),
            timing=self._world.timing,
            requested_at=memory.requested_at,
            phase_seen_at=memory.phase_seen_at.get(switch.phase, memory.requested_at),
            fence_seen_at=memory.fence_seen_at,
            fence_published_at=memory.fence_published_at,
            preflight=memory.preflight,
            ghosts_removed=0,
            transactions=Transactions(),
            sweeps=memory.sweeps,
            mirror=memory.mirror,
            losses=memory.losses,
            positions=memory.positions,
            parity=memory.parity,
            tombstones=memory.tombstones,
            numbers=memory.numbers,
        )

    # --- looking at clusters -----------------------------------------------------------------

    def _probe(self, wanted: tuple[Switch, Probe] | None) -> None:
        if wanted is None or self._probing or self._memory is None:
            return
        switch, probe = wanted
        memory, begun = self._memory, self.clock()
        self._probing = True
        self._looks += 1
        look_number = self._looks
        self.after(1.5, lambda: self._give_up(look_number))
        look = {
            "preflight": self._world.look_at_nothing,
            "ghosts": self._world.look_at_nothing,
            "tombstones": self._world.look_at_nothing,
            "sweep": self._world.look_at_source,
            "losses": self._world.look_at_nothing,
            "mirror": self._world.look_at_mirror,
            "parity": self._world.make_alike,
            "positions": self._world.bring_positions,
            "numbers": self._world.decide_numbers,
        }[probe.what]
        at_source = probe.what in {"sweep", "tombstones"}
        target = switch.from_cluster if at_source else switch.to_cluster
        if probe.what == "preflight":
            target = "database"
        self._world.network.ask(
            self,
            target,
            lambda: look(switch),
            lambda found: (
                self._found(memory, probe.what, begun, found)
                if look_number == self._looks
                else None
            ),
        )

    def _give_up(self, look_number: int) -> None:
        """An answer that comes later counts for nothing."""
        if look_number == self._looks:
            self._looks += 1
            self._probing = False

    def _found(self, memory: Memory, what: str, begun: float, found: Any) -> None:
        self._probing = False
        match what:
            case "preflight":
                memory.preflight = Preflight(checks=())
            case "sweep":
                sweep = Sweep(at=begun, ends=(("t-0", found),))
                memory.sweeps = (*memory.sweeps, sweep)[-60:]
            case "mirror":
                behind, far, turning = found
                looked = MirrorState(
                    at=begun,
                    partitions=1,
                    behind=("t-0",) if behind else (),
                    far_behind=("t-0",) if far else (),
                    turning=turning,
                )
                memory.saw_mirror(looked)
            case "losses":
                memory.losses = Losses(at=begun, answered=False, seen_at=None, losses=())
            case "tombstones":
                memory.tombstones = ()
            case "parity":
                memory.parity = Parity()
            case "positions":
                end, self._last = found
                memory.positions = Positions(
                    at=begun,
                    groups=1,
                    positions=1,
                    by_method=(),
                    remarks=(),
                    remarks_left_out=0,
                    digest=str(end),
                    duration_ms=0.0,
                )
            case "numbers":
                memory.numbers = Numbers(partitions=found, offsets=())


def _node(name: str, life: int, report: Report | None, now: float) -> NodeView:
    if report is None:
        return NodeView(node_id=name, incarnation=str(life), alive=False)
    return NodeView(
        node_id=name,
        incarnation=str(life),
        alive=now - report.at <= ALIVE_S,
        reported_incarnation=str(report.life),
        applied_seq=report.applied,
        report=report.scope,
    )

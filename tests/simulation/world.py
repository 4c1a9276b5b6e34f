"""A whole run: five gateways, three control planes, two clusters, four writers, some switches."""

import random
from typing import Any, Final, NamedTuple

from controlplane.domain.copies import Copy
from controlplane.domain.switch import events
from controlplane.domain.switch.rules import ALL, Rules
from controlplane.domain.switch.state import Switch
from controlplane.domain.switch.transitions import ABORTABLE
from controlplane.domain.switch.view import Timing
from dataplane.node import machine
from dataplane.relay.machine import RelayMachine
from tests.simulation.clusters import Cluster, Mirror, Outcome, Written
from tests.simulation.connections import Forwarded
from tests.simulation.database import SCOPE, Database, Record
from tests.simulation.faults import GATEWAYS, PLANES, Fault, by_chance, happen
from tests.simulation.gateways import Gateway
from tests.simulation.planes import Plane
from tests.simulation.restoring import Restored, may_decide
from tests.simulation.restoring import happen as restore
from tests.simulation.timeline import Network, Process, Timeline
from tests.simulation.writers import Writer

HEALED_AT: Final = 16.0
"""Seconds after which nothing fails any more, and nobody asks for a switch, but for a forced one
once more if it was aborted."""
ENDS_AT: Final = 32.0
FORCED_UNTIL: Final = 60.0
"""By then a forced switch has worked, however often one was aborted by its budget."""
SETTLED_S: Final = 10.0
"""So long after the last switch was asked for everybody is served."""
BUDGET_S: Final = 5.0
OUTAGE_S: Final = 0.5
"""So long no control plane runs after all of them have crashed."""
WRITERS: Final = 4
DRIFT: Final = 0.005
"""So two clocks differ by one percent at most, which is what a lease allows for."""
TIMING: Final = Timing(lease_s=2.0, margin_s=0.5, settle_s=2.0)


class Flaws(NamedTuple):
    """What is taken away, to see that it is missed."""

    rules: Rules = ALL
    drift: float = DRIFT
    grant_to_anyone: bool = False
    known: bool = True
    """Nodes look at what producers had written before the switch."""
    compares: bool = True
    """Control planes look whether anybody knows more than the log."""
    hangs_up: bool = True
    """Nodes do not send what a client has given up while they held it."""
    relay: type[RelayMachine[Any]] = RelayMachine
    """What decides between a client and its broker."""


SOUND: Final = Flaws()


class World:
    """Everything there is. What goes wrong first is kept."""

    def __init__(self, seed: int, flaws: Flaws) -> None:
        """Nothing runs yet."""
        self.seed, self.flaws, self.timing = seed, flaws, TIMING
        self.wrong: str | None = None
        self.timeline = Timeline()
        self.network = Network(self.timeline, seed)
        self.database = Database(self.timeline)
        self.database.compares = flaws.compares
        self.topic: list[Record] = []
        self.clusters = {name: Cluster(name) for name in ("main", "failover")}
        self.mirror = Mirror(self.timeline, self.network, seed, *self.clusters.values())
        self.planes = [Plane(self, name, flaws.drift) for name in PLANES]
        self.gateways = [Gateway(self, name, flaws.drift) for name in GATEWAYS]
        self.writers = [Writer(self, f"writer{n}") for n in range(WRITERS)]
        everybody: list[Process] = [*self.planes, *self.gateways, self.mirror]
        self.processes = {process.name: process for process in everybody}
        self.restores = False
        """Whether the log loses its newest events at some time."""
        self.requested_at = 0.0
        self.acknowledged_so_far: set[Written] = set()
        self.crash_at: str | None = None
        """The kind of the event, the first of which no control plane survives."""
        self.gave_up = False
        """Whether a cluster is lost, with whatever was on it alone."""
        self.lost = ""
        self._positions = {"main": 0, "failover": 0}
        self._alike = {"main": 0, "failover": 0}
        """How much of what clients had done to the other cluster was done to it."""
        self._numbered = {"main": 0, "failover": 0}
        """How much of the other cluster's log was known when its numbers were decided."""
        self._standstill: int | None = None

    def fail(self, what: str) -> None:
        """Something must never happen, and has."""
        if self.wrong is None:
            self.wrong = f"{self.timeline.now:.2f} s: {what}"

    # --- the switch ---------------------------------------------------------------------------

    def request(self, mode: events.Mode) -> None:
        """An operator asks for a switch, if none is under way."""
        switch, routing = self.database.switch, self.database.routing
        if (switch is not None and switch.open) or (self.gave_up and mode == "planned"):
            return
        if self.flaws.compares and not self._log_is_whole():
            return
        self.requested_at = self.timeline.now
        self.database.append(
            events.SwitchRequested(
                switch_id=f"s{self.database.seq}",
                scope=SCOPE,
                from_cluster=routing.cluster,
                to_cluster="failover" if routing.cluster == "main" else "main",
                mode=mode,
                expected_epoch=routing.epoch,
                budget_s=BUDGET_S,
                mirror_budget_s=3.0,
                quiesce_budget_s=0.3,
            )
        )

    def _log_is_whole(self) -> bool:
        """As whichever control plane is asked sees it."""
        topic = Copy(where="the topic", log="log", seq=self.topic[-1][0] if self.topic else 0)
        return may_decide(self.database, [topic])

    def lose_cluster(self) -> None:
        """The cluster that serves is gone for ever: a switch is forced, until it works."""
        if not self.gave_up:
            self.gave_up = True
            self.lost = self.database.routing.cluster
            self.network.down.add(self.lost)
        if self.database.routing.cluster == self.lost:
            self.request("forced")
            self.timeline.after(1.0, self.lose_cluster)

    def is_up_again(self, place: str) -> None:
        """It answers again, unless it is lost."""
        if place != self.lost:
            self.network.down.discard(place)

    def abort(self) -> None:
        """An operator changes his mind."""
        switch = self.database.switch
        if self.flaws.compares and not self._log_is_whole():
            return
        if switch is not None and switch.phase in ABORTABLE:
            self.happened(
                events.AbortRequested(
                    switch_id=switch.switch_id, at_phase=switch.phase.value, cause="asked"
                )
            )

    def happened(self, event: events.SwitchEvent) -> None:
        """An event is appended to the log; a commit is judged."""
        switch = self.database.switch
        assert switch is not None
        if isinstance(event, events.SwitchCommitted):
            self._judge_commit(switch)
            if switch.mode == "planned":
                self.mirror.turn(self.timeline)
        self.database.append(event)
        if event.kind == self.crash_at:
            self.crash_at = None
            self.timeline.after(0.0, self._lose_planes)

    def _judge_commit(self, switch: Switch) -> None:
        if switch.commit_seq is not None or not switch.caught_up:
            self.fail("committed twice, or without its proof (C4, I10)")
        if self.timeline.now > self.requested_at + BUDGET_S * 1.01 + 0.5:
            self.fail("committed beyond the switch's budget (I8)")
        standings = [gateway.state.standing(SCOPE) for gateway in self.gateways]
        if any(s is not None and s.routing.epoch > switch.expected_epoch for s in standings):
            self.fail("committed from an epoch that nodes had left")
        if self.gave_up:
            return
        target = self.clusters[switch.to_cluster]
        if missing := self.acknowledged_so_far - set(target.holds):
            self.fail(f"committed without what was acknowledged (I2): {sorted(missing)[:3]}")
        if self._positions[target.name] < len(self.clusters[switch.from_cluster].log):
            self.fail("committed without the positions of groups (C7)")
        if self._numbered[target.name] < len(self.clusters[switch.from_cluster].log):
            self.fail("committed without a decision about numbers (C8)")
        if self._alike[target.name] < len(self.clusters[switch.from_cluster].log):
            self.fail("committed without what clients had done to the old cluster (C9)")

    def _lose_planes(self) -> None:
        """What goes on afterwards knows nothing but the log."""
        for plane in self.planes:
            plane.kill()
            self.timeline.after(OUTAGE_S, plane.start_if_killed)

    # --- what coordinators look at --------------------------------------------------------------

    def look_at_nothing(self, switch: Switch) -> None:
        """Nothing stands in the way of any switch here."""

    def look_at_source(self, switch: Switch) -> int:
        """The old cluster's end."""
        return len(self.clusters[switch.from_cluster].log)

    def look_at_mirror(self, switch: Switch) -> tuple[bool, bool, str | None]:
        """Whether the target is behind, far behind, and whether the mirror is being turned."""
        if self.mirror.turning or self.mirror.source.name != switch.from_cluster:
            return True, True, "to where it is needed"
        behind = self.mirror.behind()
        return behind > 0, behind > 2 * WRITERS, None

    def bring_positions(self, switch: Switch) -> tuple[int, dict[str, int]]:
        """Groups and producers go on from where the old cluster has them."""
        source = self.clusters[switch.from_cluster]
        self._positions[switch.to_cluster] = len(source.log)
        return len(source.log), source.last_of_each()

    def make_alike(self, switch: Switch) -> None:
        """What clients have done to the old cluster is done to the target as well."""
        self._alike[switch.to_cluster] = len(self.clusters[switch.from_cluster].log)

    def decide_numbers(self, switch: Switch) -> int:
        """Clients go on with the numbers that they know."""
        end = len(self.clusters[switch.from_cluster].log)
        self._numbered[switch.to_cluster] = end
        return end

    # --- writes ---------------------------------------------------------------------------------

    def append(self, cluster: str, forwarded: Forwarded) -> Outcome:
        """A cluster is given a write."""
        return self.clusters[cluster].append(forwarded.epoch, forwarded.written)

    def acknowledged(self, forwarded: Forwarded) -> None:
        """A client is about to be told that its write was taken."""
        written, routing = forwarded.written, self.database.routing
        if forwarded.epoch < routing.epoch and not self.clusters[routing.cluster].holds[written]:
            self.fail(f"{written} acknowledged, and not on the cluster that serves (I1)")
        self.acknowledged_so_far.add(written)

    # --- the end --------------------------------------------------------------------------------

    def judge_logs(self) -> None:
        """Everything acknowledged is on the cluster that serves, once, and in order."""
        cluster = self.clusters[self.database.routing.cluster]
        if self.gave_up:
            return
        if missing := self.acknowledged_so_far - set(cluster.holds):
            self.fail(f"lost: {sorted(missing)[:3]}")
        if twice := [written for written, times in cluster.holds.items() if times > 1]:
            self.fail(f"written twice: {twice[:3]}")
        newest: dict[str, int] = {}
        for written in cluster.log:
            if written.number < newest.get(written.writer, -1):
                self.fail(f"out of order: {written}")
            newest[written.writer] = written.number

    def settle(self) -> None:
        """Let time pass until all should be well: operators force a switch until one works."""
        end = ENDS_AT
        while self.timeline.now < end <= FORCED_UNTIL:
            self.timeline.run(end)
            end = max(end, self.requested_at + SETTLED_S)

    def judge_recovery(self) -> None:
        """Nothing fails any more: everybody is served, by the cluster that the log names."""
        switch, routing = self.database.switch, self.database.routing
        if switch is not None and switch.open:
            self.fail(f"a switch has not ended: {switch.phase}")
        for gateway in self.gateways:
            standing = gateway.state.standing(SCOPE)
            serving = machine.is_serving(gateway.state, SCOPE, gateway.clock())
            if standing is None or not serving or standing.routing.epoch != routing.epoch:
                self.fail(f"{gateway.name} does not serve")
        for writer in self.writers:
            if writer.last_answer_at < self.timeline.now - 5:
                self.fail(f"{writer.name} is not served")


class Plan(NamedTuple):
    """Everything that decides a run besides its seed."""

    switches: tuple[float, ...]
    """Seconds after which planned ones are asked for."""
    lost_at: float | None
    """In one in eight seeds the cluster that serves is gone for ever: a switch is forced."""
    aborted_at: float | None
    """In one in eight an operator changes his mind."""
    faults: tuple[Fault, ...]
    crash_at: str | None = None
    """All control planes are killed right after the first event of this kind."""
    restored: Restored | None = None
    """In one in eight a backup takes the database's place."""

    @classmethod
    def of(cls, seed: int) -> "Plan":
        """The plan that belongs to a seed."""
        chance = random.Random(f"{seed} plan")
        switches = tuple(round(at + chance.uniform(0, 2), 2) for at in (3.0, 7.0, 11.0))
        dice, around = chance.random(), chance.choice(switches) + chance.uniform(0, 2)
        return cls(
            switches=switches,
            lost_at=around if dice < 1 / 8 else None,
            aborted_at=around if 1 / 8 <= dice < 1 / 4 else None,
            faults=by_chance(seed, HEALED_AT, switches),
            restored=_restored(seed, switches) if dice >= 7 / 8 else None,
        )


def _restored(seed: int, switches: tuple[float, ...]) -> Restored:
    chance = random.Random(f"{seed} restored")
    at = round(chance.choice(switches) + chance.uniform(0.5, 4.0), 2)
    return Restored(at, chance.randint(1, 30), round(chance.uniform(0.5, 4.0), 2))


class Run(NamedTuple):
    """What came of a seed."""

    wrong: str | None
    switches: int
    """How many were committed."""
    acknowledged: int
    story: tuple[str, ...]


def run(seed: int, plan: Plan, flaws: Flaws = SOUND) -> Run:
    """Live through a seed."""
    world = World(seed, flaws)
    world.crash_at = plan.crash_at
    world.restores = plan.restored is not None and flaws.compares
    for process in [*world.planes, *world.gateways, world.mirror, *world.writers]:
        process.start()
    for fault in plan.faults:
        happen(world, fault)
    for at in plan.switches:
        world.timeline.after(at, lambda: world.request("planned"))
    if plan.lost_at is not None:
        world.timeline.after(plan.lost_at, world.lose_cluster)
    if plan.restored is not None:
        restore(world, plan.restored)
    if plan.aborted_at is not None:
        world.timeline.after(plan.aborted_at, world.abort)
    world.timeline.run(HEALED_AT)
    if world.wrong is None:
        world.settle()
        world.judge_logs()
        world.judge_recovery()
    told = world.database.story
    committed = sum(isinstance(event, events.SwitchCommitted) for _, event in told)
    story = tuple(f"{at:5.2f} s: {event.kind}" for at, event in told)
    return Run(world.wrong, committed, len(world.acknowledged_so_far), story)

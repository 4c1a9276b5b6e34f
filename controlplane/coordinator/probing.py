"""Carries out a switch's probes, with connections that stay open for as long as the switch does."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime

import structlog
from aiokafka import TopicPartition
from msgspec.structs import replace

from contract.clusters_file import ClusterProperties
from contract.held_numbers import held_numbers
from contract.mirror import Direction
from contract.records import Cluster, Identities, Producers
from controlplane.coordinator.diverging import divergence_between, divergence_checks
from controlplane.coordinator.identifying import ids_to_record
from controlplane.coordinator.memory import Memory
from controlplane.coordinator.watching import EachWay, find_losses, newest_seen, seen_each_way
from controlplane.domain.identities import Era, Producer, after_aborts, after_switch
from controlplane.domain.mirror.common_ground import came_apart, equal_ends
from controlplane.domain.mirror.positions import split
from controlplane.domain.numbering.deciding import Logs, numbered
from controlplane.domain.parity.made import Parity
from controlplane.domain.producers import SeenProducers, recorded
from controlplane.domain.replica import Watched, seen_both_ways
from controlplane.domain.scope_topics import ScopeTopics
from controlplane.domain.switch.events import Ends
from controlplane.domain.switch.parity import parity_checks
from controlplane.domain.switch.readiness import completeness_check
from controlplane.domain.switch.seen_since import SeenSince
from controlplane.domain.switch.state import Cut, Switch
from controlplane.domain.switch.step import Look
from controlplane.domain.switch.view import Numbers, Preflight, Transactions
from controlplane.plane import ControlPlane
from controlplane.probes.completeness import prove
from controlplane.probes.failing import LookError, OutOfTimeError
from controlplane.probes.following import Following
from controlplane.probes.ghosts import remove_ghosts
from controlplane.probes.mirror import compare, sweep
from controlplane.probes.numbers import Points, SideBySide, logs_as_seen, side_by_side
from controlplane.probes.parity.governed import Governed, governed
from controlplane.probes.parity.making import TOLD_WITHIN_S, Clusters, ParityMaker
from controlplane.probes.positions import Side, translate
from controlplane.probes.preflight import preflight
from controlplane.probes.producers import all_producers
from controlplane.probes.readers import Readers
from controlplane.probes.readiness import PlannedSwitch, topics_ready
from controlplane.probes.rows import Rows
from controlplane.probes.together import together
from controlplane.probes.transactions import (
    Described,
    Ended,
    all_transactions,
    end_transactions,
    give_producers,
    open_transactions,
)
from controlplane.store.watches import Pair

_logger = structlog.get_logger()

_KEPT_SWEEPS = 200
_TRANSACTIONS_EVERY_S = 0.5
"""Between two looks at those that are waited for."""


class Prober:
    """Looks at the two clusters of one switch."""

    def __init__(self, plane: ControlPlane, switch: Switch, memory: Memory) -> None:
        self._plane = plane
        self._switch = switch
        """As it was asked for."""
        self._memory = memory
        self._readers = Readers(plane.settings.clusters)
        names = (switch.from_cluster, switch.to_cluster)
        self._own_readers = Readers(plane.settings.clusters)
        """Of what makes the target alike, beside what reads for the proof."""
        self._alike = ParityMaker(Clusters(*map(self._cluster, names)), self._own_readers)
        self._made = Parity()
        """What was done to the target so far."""
        self._unlike = SeenSince()
        """Topics of which something was left that is not alike."""
        self._points: Points = {}
        self._each_way: EachWay | None = None
        self._seen: Watched | None = None
        """What the watch saw last: behind the fence it does not look any more."""
        self._following = Following()
        """What was read behind the fence, look after look."""
        self._rows: Mapping[TopicPartition, Rows] = {}
        """What was read since, to prove that nothing is missing."""
        self._read: list[SideBySide] | None = None
        """Both logs, as they were read with the groups' positions."""
        self._aborted: dict[str, Ended] = {}
        self._given: dict[str, Producer] = {}
        """Transactional producers as the target knows them, by transactional id."""
        self._looks: Mapping[Look, Callable[[], Awaitable[None]]] = {
            "preflight": self._preflight,
            "open_transactions": self._open_transactions,
            "parity": self._parity,
            "tombstones": self._tombstones,
            "ghosts": self._ghosts,
            "transactions": self._transactions,
            "sweep": self._sweep,
            "mirror": self._mirror,
            "losses": self._losses,
            "positions": self._positions,
            "numbers": self._numbers,
        }

    async def close(self) -> None:
        """Close the connections."""
        await self._readers.close()
        await self._own_readers.close()

    async def probe(self, what: Look) -> None:
        """Look, and remember what was found."""
        try:
            await self._looks[what]()
            self._memory.probe_error = None
        except LookError as error:
            self._memory.probe_error = str(error)
            await self.close()

    async def _preflight(self) -> None:
        target = self._cluster(self._switch.to_cluster)
        # What is forced may well be so because the old cluster is gone.
        planned = self._switch.mode == "planned"
        source = self._cluster(self._switch.from_cluster) if planned else None
        known = self._plane.ledger.facts.cluster(self._switch.to_cluster)
        face = self._plane.ledger.facts.face()
        found = await preflight(source, target, known, face)
        if source is not None and all(check.passed for check in found.checks):
            facts, scope = self._plane.ledger.facts, self._switch.scope
            seen, accepted = await newest_seen(self._plane, self._pair), self._switch.accepts_loss
            waived = self._switch.waived
            switch = PlannedSwitch(facts, scope, self._direction, seen, waived)
            ready, alike = await together(
                topics_ready(self._plane.settings, switch),
                self._alike.compare_twice(lambda: self._governed),
            )
            ready += parity_checks(self._direction, alike, waived)
            if came_apart(facts, scope):
                divergent = await divergence_between(facts, self._readers, scope, self._direction)
                ready += divergence_checks(
                    divergent, self._direction, accepted=self._switch.accepts_loss
                )
            ready.append(
                completeness_check(
                    self._direction, seen, self._topics(), accepted=accepted, waived=waived
                )
            )
            found = Preflight(checks=(*found.checks, *ready))
        self._memory.preflight = found

    async def _ghosts(self) -> None:
        """Only the target: whoever is a member there is so from before the scope had left it.

        And have it give out what transactional producers need, as far as they are there by now,
        and open what else would take its time behind the fence.
        """
        try:
            target = self._cluster(self._switch.to_cluster)
            removed = await remove_ghosts(target, self._is_ours)
        except LookError as error:
            _logger.warning("members on the target could not be removed", reason=str(error))
            removed = 0
        try:
            source = self._cluster(self._switch.from_cluster)
            await self._give_beforehand(await all_transactions(source, self._is_ours))
            for name in (self._switch.from_cluster, self._switch.to_cluster):
                partitions = await (await self._readers.of(name)).partitions(self._topics())
                # So that it is connected to each broker, too.
                await (await self._readers.imprints_of(name)).begins(partitions)
        except LookError as error:
            _logger.warning("not everything was made ready beforehand", reason=str(error))
        self._memory.ghosts_removed = removed

    async def _parity(self) -> None:
        """Before the fence what takes its time; behind it what has changed since."""
        if self._now.fence_seq is not None:
            await self._parity_at_the_fence()
            return
        made = await self._alike.make(self._governed, serving=False)
        left = await self._alike.read_keys(self._governed)
        self._made += replace(made, left=(*made.left, *left))
        young = self._unlike_only_now()
        lasting = tuple(one for one in self._made.left if one.name not in young)
        alike = replace(self._made, left=lasting)
        self._memory.parity = None if self._is_yet_to_be_told() else alike

    async def _parity_at_the_fence(self) -> None:
        """With what is looked for next: nothing moves any more, so one wait is enough for both.

        But where logs are made to begin elsewhere, positions and numbers are looked for after that.
        """
        begin_alike = asyncio.Event()
        waits = self._alike.begins_elsewhere
        making = self._alike.make(self._governed, serving=True, begin_alike=begin_alike)
        made, _ = await together(making, self._positions(begin_alike if waits else None))
        self._made += made
        if made.trimmed and not waits:
            self._memory.positions, self._read = None, None
        self._memory.parity = None if self._is_yet_to_be_told() else self._made

    def _is_yet_to_be_told(self) -> bool:
        """Whether a topic is gone of which its node will say in a moment that it was deleted."""
        told_by = self._memory.phase_seen_at.get(self._now.phase, 0.0) + TOLD_WITHIN_S
        topics = self._topics()
        return time.monotonic() < told_by and any(d.name in topics for d in self._made.left)

    def _unlike_only_now(self) -> Collection[str]:
        """Take a look in: topics that were alike before it, of which a node may yet say why."""
        topics, now = self._topics(), time.monotonic()
        unlike = (one.name for one in self._made.left if one.name in topics)
        self._unlike = self._unlike.after(unlike, now)
        return self._unlike.since.keys() - self._unlike.lasting(now, TOLD_WITHIN_S)

    async def _tombstones(self) -> None:
        self._memory.tombstones = await self._alike.delete_once_more(self._governed)

    async def _open_transactions(self) -> None:
        source = self._cluster(self._switch.from_cluster)
        found = await open_transactions(source, self._is_ours)
        self._memory.open_transactions = found
        if found:
            await asyncio.sleep(_TRANSACTIONS_EVERY_S)

    async def _transactions(self) -> None:
        source = self._cluster(self._switch.from_cluster)
        self._aborted |= await end_transactions(source, self._is_ours)
        known = self._plane.ledger.facts.control.of(Identities)
        self._memory.transactions = Transactions(
            aborted=tuple(sorted(self._aborted)),
            ended=tuple(ended.transaction for _, ended in sorted(self._aborted.items())),
            identities=after_aborts(
                {id_: (ended.was, ended.now) for id_, ended in self._aborted.items()},
                known,
                self._era,
            ),
        )

    async def _sweep(self) -> None:
        source = await self._readers.of(self._switch.from_cluster)
        taken = await sweep(source, self._topics())
        self._memory.sweeps = (*self._memory.sweeps, taken)[-_KEPT_SWEEPS:]

    async def _mirror(self) -> None:
        source = await self._readers.of(self._switch.from_cluster)
        target = await self._readers.of(self._switch.to_cluster)
        await self._see()
        facts, scope = self._plane.ledger.facts, self._switch.scope
        equal_at = equal_ends(facts, scope, self._direction, self._seen)
        known = facts.known_partitions_in(scope)
        waived = self._switch.waived
        found = await compare(
            source,
            target,
            self._topics(),
            equal_at,
            known=known,
            waived=waived,
            following=self._following,
        )
        if found.cut is not None:
            began_at = time.monotonic()
            compared = await prove(source, target, found.cut, self._following)
            self._rows = compared.rows
            found = replace(
                compared.judged(found, accepted=self._switch.accepts_loss, waived=waived),
                comparing_ms=round((time.monotonic() - began_at) * 1000, 1),
            )
        turning = self._plane.ledger.facts.open_reversal(self._switch.scope)
        if turning is not None or self._plane.mirror_refills:
            direction = turning.direction if turning is not None else self._direction
            found = replace(found, turning=str(direction))
        self._memory.saw_mirror(found)

    async def _see(self) -> None:
        """Take over what the watch saw last, unless that is known."""
        newest = await seen_each_way(self._plane, self._pair)
        if not newest.is_that(self._each_way):
            self._each_way, self._seen = newest, seen_both_ways(*newest)
            self._following.go_on(self._seen)

    async def _losses(self) -> None:
        self._memory.losses = await find_losses(self._plane, self._readers, self._pair, keep=True)

    async def _numbers(self) -> None:
        """Decide under which numbers clients know records from now on."""
        scope, control = self._switch.scope, self._plane.ledger.facts.control
        is_forced = self._switch.mode == "forced"
        logs = await (self._logs_given_up() if is_forced else self._logs_of_both())
        known = [offsets for offsets in held_numbers(control) if offsets.scope == scope]
        epoch = self._switch.expected_epoch + 1
        found = numbered(scope, epoch, logs, known, is_forced=is_forced)
        ids = await ids_to_record(self._plane, self._readers, self._switch)
        self._memory.numbers = Numbers(partitions=len(logs), offsets=found, topic_ids=ids)

    async def _logs_of_both(self) -> list[Logs]:
        if self._read is None:
            self._read = await self._side_by_side()
        return [found.logs(self._points.get(found.partition, ())) for found in self._read]

    async def _side_by_side(self) -> list[SideBySide]:
        return await side_by_side(
            await self._readers.of(self._switch.from_cluster),
            await self._readers.of(self._switch.to_cluster),
            sorted(self._on_both),
            self._seen,
            self._rows,
        )

    async def _logs_given_up(self) -> list[Logs]:
        seen = await newest_seen(self._plane, self._pair)
        return logs_as_seen(seen, self._topics()) if seen is not None else []

    async def _positions(self, begin_alike: asyncio.Event | None = None) -> None:
        """Bring over what clients go on from; none of it counts without the other."""
        if begin_alike is not None:
            await begin_alike.wait()
        source = await self._side(self._switch.from_cluster)
        target = await self._side(self._switch.to_cluster)
        topics = {partition.topic for partition in self._on_both}
        translating = translate(source, target, self._is_ours, topics)
        brought = together(self._writers(topics), translating)
        # Numbers are looked for next, and nothing moves any more: one wait instead of two.
        reading = together(self._side_by_side(), source.ends.partitions(self._topics()))
        (_, (positions, points)), (read, there) = await together(brought, reading)
        if not self._cut_at(lambda cut: cut.source).issuperset(there):
            # A broker has told of a topic only now: what holds of the others does not of it.
            self._memory.mirror = None
            return
        self._memory.positions, self._points, self._read = positions, points, read

    @property
    def _on_both(self) -> frozenset[TopicPartition]:
        """What the target was found to hold, whole unless it is waived: the rest stays behind."""
        return self._cut_at(lambda cut: cut.target)

    def _cut_at(self, side: Callable[[Cut], Ends]) -> frozenset[TopicPartition]:
        """Partitions of one side, as they were found when the target held everything."""
        mirror = self._memory.mirror
        ends = side(mirror.cut) if mirror is not None and mirror.cut is not None else ()
        return frozenset(TopicPartition(*split(name)) for name, _ in ends)

    async def _writers(self, topics: Collection[str]) -> None:
        """Note how far producers have written, and who transactional ones are."""
        source = self._cluster(self._switch.from_cluster)
        seen, there = await together(
            all_producers(source, topics), all_transactions(source, self._is_ours)
        )
        await self._give(there)
        known = self._plane.ledger.facts.control.of(Identities)
        described = (found.producer for found in there)
        self._memory.producers = self._producers(seen)
        self._memory.identities = after_switch(described, self._given, seen, known, self._era)

    def _producers(self, seen: list[SeenProducers]) -> tuple[Producers, ...]:
        scope, control = self._switch.scope, self._plane.ledger.facts.control
        known = [producers for producers in control.of(Producers) if producers.scope == scope]
        return recorded(seen, known, scope, int(datetime.now(UTC).timestamp() * 1000))

    async def _give_beforehand(self, described: list[Described]) -> None:
        """However many there are: behind the fence there is time for a few only."""
        before = -1
        while before < len(self._given):
            before = len(self._given)
            try:
                await self._give(described)
            except OutOfTimeError as error:
                _logger.info("producers.given", given=len(self._given), reason=str(error))
            else:
                return

    async def _give(self, described: list[Described]) -> None:
        """Nobody else asks the target for them while it does not serve the scope."""
        missing = [d for d in described if d.producer.transactional_id not in self._given]
        target = self._cluster(self._switch.to_cluster)
        await give_producers(target, missing, self._given)

    async def _side(self, name: str) -> Side:
        reader, imprints = await self._readers.of(name), await self._readers.imprints_of(name)
        return Side(self._cluster(name), reader, imprints)

    def _cluster(self, name: str) -> ClusterProperties:
        return next(cluster for cluster in self._plane.settings.clusters if cluster.name == name)

    @property
    def _pair(self) -> Pair:
        return Pair(
            scope=self._switch.scope,
            from_cluster=self._switch.from_cluster,
            to_cluster=self._switch.to_cluster,
        )

    @property
    def _era(self) -> Era:
        """The epoch that the switch is to end."""
        cluster = self._plane.ledger.facts.control.get(f"cluster/{self._switch.from_cluster}")
        if not isinstance(cluster, Cluster):
            raise TypeError(f"there is no cluster {self._switch.from_cluster} to switch from")
        return Era(self._switch.scope, self._switch.expected_epoch, cluster.index)

    @property
    def _is_ours(self) -> Callable[[str], bool]:
        """Whether a group or a transactional id is."""
        prefixes = tuple(self._plane.ledger.facts.tenants_of(self._switch.scope))
        return lambda name: name.startswith(prefixes)

    @property
    def _now(self) -> Switch:
        """The switch as it stands."""
        return self._plane.ledger.facts.switches[self._switch.switch_id]

    @property
    def _governed(self) -> Governed:
        return governed(self._plane.ledger.facts, self._switch.scope)

    @property
    def _direction(self) -> Direction:
        return Direction(source=self._switch.from_cluster, target=self._switch.to_cluster)

    def _topics(self) -> ScopeTopics:
        return self._plane.ledger.facts.topics_in(self._switch.scope)

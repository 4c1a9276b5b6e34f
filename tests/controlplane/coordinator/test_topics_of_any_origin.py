"""No planned switch completes with a record unproved, whoever made its topic, and whenever.

The coordinator's own steps, memory, looks and proof, over clusters that are kept in memory; what a
switch does besides (parity, groups, transactions, numbers) finds nothing to do.
"""

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.clusters_file import ClusterProperties
from controlplane.coordinator import probing
from controlplane.coordinator.memory import Memory
from controlplane.coordinator.probing import Prober
from controlplane.domain.event import Event, Recorded
from controlplane.domain.facts import Facts
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch import events
from controlplane.domain.switch.step import Append
from controlplane.domain.switch.steps import next_steps
from controlplane.domain.switch.view import Numbers, Positions, Preflight, Timing, Transactions
from controlplane.probes import mirror
from controlplane.probes.reader import EndReader
from tests.controlplane.domain.switch.situations import TRANSLATED
from tests.controlplane.histories import OPEN, START, TEAM_A, described, mapped

LEAD_S = 0.3
REQUESTED = events.SwitchRequested(
    switch_id="s",
    scope="main",
    from_cluster="main",
    to_cluster="failover",
    mode="planned",
    expected_epoch=0,
    budget_s=60.0,
    mirror_budget_s=10.0,
    quiesce_budget_s=2.0,
)

WAYS = {
    "through the gateway": "orders",
    "a node died before it told": "unheard",
    "auto.create.topics.enable, for a Metadata": "by-first-use",
    "an admin client, on the cluster itself": "terraformed",
    "Streams, elsewhere": "app-KSTREAM-AGGREGATE-0000000003-changelog",
    "Connect, elsewhere": "connect-offsets",
    "a mirror, elsewhere": "a.checkpoints.internal",
    "partitions that were added, on the cluster itself": "grown",
}
"""Who makes a topic, and how that is called in the virtual cluster."""
TOLD = ("through the gateway",)
BEFORE_THE_FENCE = (
    "before the gateway",
    "before the plan",
    "switch.preflight_passed",
    "look: mirror",
    "switch.quiesce_ordered",
    "switch.transactions_held",
)
BEHIND_THE_FENCE = (
    "switch.fence_ordered",
    "switch.barrier_reached",
    "look: sweep, behind the fence",
    "switch.source_frozen",
    "switch.caught_up",
    "look: parity, behind the fence",
)
"""Right after the first of these it is made. After the last there is one look more, beside the
groups' positions; what is written past the gateway after that, no look can see."""


class Made(NamedTuple):
    """A topic with a record in each partition."""

    way: str
    moment: str
    partitions: int
    copied_after: int | None
    """So many turns of the leader later it is on the target; None: never."""


class Written(NamedTuple):
    """As aiokafka's `ConsumerRecord`."""

    offset: int
    value: bytes
    timestamp: int = 1000
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


Logs = dict[TopicPartition, list[Written]]


class MemoryReader(EndReader):
    """A reader of a cluster that is kept in memory."""

    def __init__(self, held: Logs) -> None:
        self._held = held

    async def all_partitions(self) -> list[TopicPartition]:
        return list(self._held)

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {p: len(self._held[p]) for p in partitions}

    committed_ends = ends

    async def begins(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def _read(
        self, ranges: Mapping[TopicPartition, tuple[int, int]], takers: Mapping[Any, Any], _: float
    ) -> dict[Any, Any]:
        for partition, (begin, end) in ranges.items():
            for record in self._held[partition][begin:end]:
                takers[partition].take(record)
        return {}


class Clusters:
    """Both, and the mirror between them."""

    def __init__(self, making: Sequence[Made]) -> None:
        self.source: Logs = {}
        self.target: Logs = {}
        self.facts = Facts("log")
        self.turn = 0
        self._making = making
        self._grown = [made for made in making if made.way.startswith("partitions")]
        self._due: list[tuple[int, TopicPartition]] = []
        self._happens("before the gateway")
        for event in (described("main", 1), described("failover", 2, index=1), OPEN, TEAM_A):
            self.record(event)
        for made in self._grown:
            self.record(mapped("teamA", self._logical(made)))
            self._make(made, [0], copied_after=0)
        self._happens("before the plan")
        self.copy()
        self.record(REQUESTED)

    def record(self, event: Event) -> None:
        version = self.facts.versions.get(event.stream, 0) + 1
        self.facts.apply(
            Recorded(
                seq=self.facts.seq + 1,
                event_id=uuid4(),
                version=version,
                event=event,
                actor="user:test",
                reason=None,
                recorded_at=START,
            )
        )
        self._happens(event.kind)

    def looked(self, what: str) -> None:
        is_fenced = self.facts.switches["s"].fence_seq is not None
        self._happens(f"look: {what}{', behind the fence' * is_fenced}")

    def _happens(self, moment: str) -> None:
        later = [made for made in self._making if made.moment == moment]
        self._making = [made for made in self._making if made.moment != moment]
        for made in later:
            if made.way in TOLD and moment != "before the gateway":
                self.record(mapped("teamA", self._logical(made), made.partitions))
            first = 1 if made in self._grown else 0
            self._make(made, range(first, first + made.partitions), made.copied_after)

    def _logical(self, made: Made) -> str:
        return WAYS[made.way]

    def _make(self, made: Made, partitions: Sequence[int], copied_after: int | None) -> None:
        for number in partitions:
            partition = TopicPartition(f"teamA{self._logical(made)}", number)
            log = self.source.setdefault(partition, [])
            log.append(Written(len(log), f"{made.moment} {number}".encode()))
            if copied_after is not None:
                self._due.append((self.turn + copied_after, partition))

    def copy(self) -> None:
        """What the mirror is due to have brought."""
        for at, partition in self._due:
            if at <= self.turn:
                self.target[partition] = list(self.source[partition])
        self._due = [due for due in self._due if due[0] > self.turn]

    def lacking(self) -> list[str]:
        """Partitions of which the target has not every record."""
        topics = self.facts.topics_in("main")
        return [
            f"{p.topic}-{p.partition}"
            for p, log in self.source.items()
            if p.topic in topics and self.target.get(p) != log
        ]


class Looking(Prober):
    """Production's looks at which topics there are, at the standstill, the mirror and positions."""

    def __init__(self, clusters: Clusters, memory: Memory) -> None:
        plane = SimpleNamespace(
            settings=SimpleNamespace(clusters=tuple(map(_properties, ("main", "failover")))),
            ledger=SimpleNamespace(facts=clusters.facts),
            mirror_refills=False,
        )
        super().__init__(plane, clusters.facts.switches["s"], memory)
        self._readers = SimpleNamespace(of=self._reader_of)
        self._clusters = clusters
        nothing_to_do = {
            "preflight": ("preflight", Preflight(checks=())),
            "ghosts": ("ghosts_removed", 0),
            "open_transactions": ("open_transactions", ()),
            "transactions": ("transactions", Transactions()),
            "tombstones": ("tombstones", ()),
            "parity": ("parity", Parity()),
            "numbers": ("numbers", Numbers(partitions=1, offsets=())),
        }
        self._looks = {**self._looks, **{k: _told(memory, *v) for k, v in nothing_to_do.items()}}

    async def _reader_of(self, name: str) -> MemoryReader:
        held = self._clusters.source if name == "main" else self._clusters.target
        return MemoryReader(held)

    async def _see(self) -> None:
        """Nobody has watched."""

    async def _writers(self, topics: object) -> None:
        """Nobody is idempotent."""

    async def _side(self, name: str) -> Any:
        return SimpleNamespace(ends=await self._reader_of(name))


def _told(memory: Memory, name: str, value: object) -> Any:
    async def look() -> None:
        setattr(memory, name, value)

    return look


def _properties(name: str) -> ClusterProperties:
    return ClusterProperties(name=name, role="upstream", properties={"bootstrap.servers": "x:1"})


async def _translate(*_: object) -> tuple[Positions, dict[Any, Any]]:
    return TRANSLATED, {}


def lived(clusters: Clusters, looking: type[Looking] = Looking) -> str:
    """How the switch ends: the last event's kind."""
    memory, now = Memory(requested_at=0.0), 0.0
    prober = looking(clusters, memory)
    clock = SimpleNamespace(monotonic=lambda: now)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirror, "time", clock)
        patch.setattr(probing, "time", clock)
        patch.setattr(probing, "translate", _translate)
        while now < REQUESTED.budget_s + 1:
            switch = clusters.facts.switches["s"]
            memory.see(switch, clusters.facts.seq, now)
            for step in next_steps(memory.view(switch, clusters.facts, {}, Timing()), now):
                if isinstance(step, Append):
                    for event in step.events:
                        if event.kind in {"switch.committed", "switch.abort_requested"}:
                            return event.kind
                        clusters.record(event)
                else:
                    asyncio.run(prober.probe(step.what))
                    clusters.looked(step.what)
            now += LEAD_S
            clusters.turn += 1
            clusters.copy()
    raise AssertionError("it does not end")


MADE = st.builds(
    Made,
    way=st.sampled_from(list(WAYS)),
    moment=st.sampled_from(BEFORE_THE_FENCE + BEHIND_THE_FENCE),
    partitions=st.integers(1, 3),
    copied_after=st.none() | st.integers(0, 12),
)
MAKING = st.lists(MADE, max_size=4, unique_by=lambda made: made.way)


@settings(deadline=None, max_examples=80)
@given(MAKING)
def test_no_switch_completes_with_a_record_unproved(making: list[Made]):
    clusters = Clusters(making)
    if lived(clusters) == "switch.committed":
        assert clusters.lacking() == []


@pytest.mark.parametrize("moment", BEFORE_THE_FENCE + BEHIND_THE_FENCE)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_never_copied_is_found_whoever_makes_it_at_every_moment(way: str, moment: str):
    assert lived(Clusters([Made(way, moment, 2, None)])) == "switch.abort_requested"


@pytest.mark.parametrize("moment", BEFORE_THE_FENCE)
@pytest.mark.parametrize("way", WAYS)
def test_what_the_mirror_follows_stops_no_switch(way: str, moment: str):
    clusters = Clusters([Made(way, moment, 2, 3)])
    assert (lived(clusters), clusters.lacking()) == ("switch.committed", [])


class KnowsTheLogAlone(Looking):
    """Looks at what it was told of."""

    def _topics(self) -> Any:
        return {topic.physical for topic in self._plane.ledger.facts.known_topics_in("main")}


class LooksOnce(Looking):
    """Does not ask again what there is, beside the positions."""

    async def _positions(self, _: asyncio.Event | None = None) -> None:
        self._memory.positions = TRANSLATED


@pytest.mark.parametrize(
    ("looking", "moment"),
    [(KnowsTheLogAlone, "before the plan"), (LooksOnce, "look: parity, behind the fence")],
)
def test_without_such_a_look_a_record_is_lost(looking: type[Looking], moment: str):
    clusters = Clusters([Made("an admin client, on the cluster itself", moment, 1, None)])
    assert (lived(clusters, looking), clusters.lacking()) == (
        "switch.committed",
        ["teamAterraformed-0"],
    )

"""A history of any length, as a busy installation makes one: what a long log is filled with."""

from collections.abc import Iterator
from itertools import count, islice

from controlplane.domain import events
from controlplane.domain.event import Event
from controlplane.domain.switch import events as switch

CLUSTERS = ("main", "failover")
NODES = (("node1", "one"), ("node2", "two"))
VCLUSTERS = tuple(f"team{number:02}x" for number in range(20))
PARTITIONS_IN_A_CUT = 20
TOPICS_A_ROUND = 20
ROUND = 1000
"""Events in which one switch happens."""


def history(length: int) -> Iterator[Event]:
    """So many events, which can follow one another."""
    return islice(_history(), length)


def _history() -> Iterator[Event]:
    yield from _beginning()
    for number in count():
        switched = list(_switch(number))
        topics = list(_topics(number))
        yield from switched
        yield from topics
        yield from _tokens(number, ROUND - len(switched) - len(topics))


def _beginning() -> Iterator[Event]:
    for index, name in enumerate(CLUSTERS):
        yield events.ClusterDescribed(
            name=name,
            index=index,
            role="upstream" if index == 0 else "failover",
            cluster_id=f"id-of-{name}",
            brokers=(1, 2, 3),
            api_versions=dict.fromkeys(range(60), (0, 12)),
        )
    yield events.ScopeOpened(scope="main", cluster=CLUSTERS[0])
    for name in VCLUSTERS:
        yield events.VirtualClusterCreated(name=name, scope="main", cluster_id=f"id-of-{name}")
    for node_id, incarnation in NODES:
        yield events.NodeRegistered(node_id=node_id, incarnation=incarnation)


def _topics(round_: int) -> Iterator[Event]:
    """New ones, each with more partitions later; one of them is deleted."""
    names = [(VCLUSTERS[n], f"topic{round_}n{n}") for n in range(TOPICS_A_ROUND)]
    for partitions in (6, 12):
        for vcluster, logical in names:
            yield events.TopicMapped(
                vcluster=vcluster,
                logical=logical,
                physical=vcluster + logical,
                partitions=partitions,
                replication_factor=3,
                configs={"retention.ms": "604800000"},
            )
    yield events.TopicUnmapped(vcluster=names[0][0], logical=names[0][1])


def _tokens(round_: int, how_many: int) -> Iterator[Event]:
    for number in range(how_many):
        yield events.TokenIssued(
            vcluster=VCLUSTERS[number % len(VCLUSTERS)],
            name=f"account{number % 50}",
            token_id=f"{round_}-{number}",
            issued_at=1_767_225_600 + round_,
            expires_at=1_798_761_600 + round_,
        )


def _switch(number: int) -> Iterator[Event]:
    id_ = f"switch{number}"
    source, target = CLUSTERS[number % 2], CLUSTERS[(number + 1) % 2]
    ends = tuple((f"team00xtopic{n}-0", number) for n in range(PARTITIONS_IN_A_CUT))
    yield switch.SwitchRequested(
        switch_id=id_,
        scope="main",
        from_cluster=source,
        to_cluster=target,
        mode="planned",
        expected_epoch=number,
        budget_s=60.0,
        mirror_budget_s=20.0,
    )
    yield switch.PreflightPassed(switch_id=id_, checks=())
    yield switch.QuiesceOrdered(switch_id=id_)
    yield switch.FenceOrdered(switch_id=id_, participants=NODES)
    for node_id, incarnation in NODES:
        yield switch.NodeDrained(
            switch_id=id_, node_id=node_id, incarnation=incarnation, cut=0, held=0
        )
    yield switch.BarrierReached(switch_id=id_, duration_ms=40.0, by_report=2, by_lease=0)
    yield switch.SourceFrozen(switch_id=id_, offsets_digest="0" * 64, window_ms=100.0)
    yield switch.CaughtUp(switch_id=id_, partitions=len(ends), offsets_digest="0" * 64)
    yield switch.CutRecorded(switch_id=id_, source_ends=ends, target_ends=ends)
    yield switch.SwitchCommitted(switch_id=id_, epoch=number + 1)
    for node_id, incarnation in NODES:
        yield switch.NodeResumed(switch_id=id_, node_id=node_id, incarnation=incarnation)
    yield switch.SwitchCompleted(switch_id=id_, fenced_ms=400.0, total_ms=2000.0)

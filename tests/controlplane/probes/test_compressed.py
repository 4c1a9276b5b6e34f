"""Records in every codec that Kafka knows, read as the control plane reads two real clusters."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition
from confluent_kafka import Producer

from contract.mirror import Direction
from controlplane.domain.mirror.positions import split
from controlplane.domain.mirror.state import Reversal
from controlplane.domain.positions import Committed
from controlplane.mirrors.restoring import settle_tails
from controlplane.probes.completeness import prove
from controlplane.probes.divergence import find_divergence, sample_keys
from controlplane.probes.following import Following
from controlplane.probes.groups import commit
from controlplane.probes.imprints import imprint_reader
from controlplane.probes.mirror import compare, lag
from controlplane.probes.numbers import side_by_side
from controlplane.probes.positions import Side, translate
from controlplane.probes.reader import end_reader
from controlplane.probes.replica import losses, watch
from tests.controlplane.probes.clusters import cluster, create
from upstream.access import access_to
from upstream.inquiry import inquiry

pytestmark = pytest.mark.environment

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
"""The topic's partition n is written in codec n; its copies are written in the next one."""
RECORDS = 20


def produce(bootstrap: str, topic: str, numbers: range, *, shift: int = 0) -> None:
    """Into each partition one batch."""
    for partition in range(len(CODECS)):
        codec = CODECS[(partition + shift) % len(CODECS)]
        producer = Producer(
            {"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 50}
        )
        for n in numbers:
            value = b'{"record": %d, "padding": "%s"}' % (n, b"x" * 200)
            producer.produce(
                topic, value, b"%d" % n, partition, timestamp=1000 * n, headers={"h": b"v"}
            )
        assert producer.flush(10) == 0


@asynccontextmanager
async def both(clusters, topic):
    """Readers of two clusters that have the topic."""
    for bootstrap in (clusters.main, clusters.failover):
        await create(bootstrap, topic, partitions=len(CODECS))
    async with (
        end_reader(cluster("main", clusters.main)) as source,
        end_reader(cluster("failover", clusters.failover)) as target,
    ):
        yield source, target


def names(topic: str) -> list[str]:
    return [f"{topic}-{partition}" for partition in range(len(CODECS))]


async def test_watch_proof_and_loss(clusters, unique_name):
    async with both(clusters, unique_name) as (source, target):
        produce(clusters.main, unique_name, range(1, RECORDS))
        produce(clusters.failover, unique_name, range(1, 10), shift=1)
        seen = await watch(source, target, await source.partitions([unique_name]), None)
        assert [mark.anchor.source for mark in seen.marks] == [8] * len(CODECS)
        assert [loss.first for loss in await losses(target, seen)] == [9] * len(CODECS)
        behind = await compare(source, target, [unique_name])
        assert list(behind.behind) == names(unique_name)
        partitions = await source.partitions([unique_name])
        records, seconds = await lag(source, target, partitions, ({}, {}))
        assert (records, seconds) == (10 * len(CODECS), 10.0)
        produce(clusters.failover, unique_name, range(11, RECORDS), shift=1)
        found = await compare(source, target, [unique_name])
        compared = await prove(source, target, found.cut, Following(seen))
    assert [(h.partition, h.first, h.last) for h in compared.holes] == [
        (name, 9, 9) for name in names(unique_name)
    ]


async def test_numbers_and_positions(clusters, unique_name):
    main, failover = cluster("main", clusters.main), cluster("failover", clusters.failover)
    async with (
        both(clusters, unique_name) as (source, target),
        imprint_reader(main) as ours,
        imprint_reader(failover) as theirs,
    ):
        produce(clusters.main, unique_name, range(1, RECORDS))
        produce(clusters.failover, unique_name, range(1, 5), shift=1)
        produce(clusters.failover, unique_name, range(1, RECORDS), shift=2)
        async with inquiry(access_to(main)) as asking:
            told = [Committed(f"{unique_name}g", *split(n), 7) for n in names(unique_name)]
            assert await commit(asking, told) == {}
        found, points = await translate(
            Side(main, source, ours),
            Side(failover, target, theirs),
            lambda group: group.startswith(unique_name),
            {unique_name},
        )
        assert found.by_method == (("aligned", len(CODECS)),)
        assert list(points.values()) == [[(7, 11)]] * len(CODECS)
        logs = await side_by_side(source, target, await source.partitions([unique_name]), None, {})
        assert [(log.runs[0].shift, log.whole) for log in logs] == [(4, True)] * len(CODECS)
        partitions = [TopicPartition(*split(name)) for name in names(unique_name)]
        at = await ours.not_older(dict.fromkeys(partitions, 5000))
        assert list(at.values()) == [4] * len(CODECS)


async def test_divergence_and_the_tail_that_is_kept(clusters, unique_name):
    async with both(clusters, unique_name) as (source, target):
        produce(clusters.main, unique_name, range(1, 5))
        produce(clusters.failover, unique_name, range(1, RECORDS), shift=1)
        found = await find_divergence(source, target, [unique_name], ({}, {}))
        assert [d.on_other.count for d in found] == [RECORDS - 5] * len(CODECS)
        assert [d.common_end for d in found] == [4] * len(CODECS)
        keys = await sample_keys(target, found[-1], found[-1].on_other.ranges, 1)
        assert keys == ["5"]
        settled = await settle_tails(
            [cluster("main", clusters.main), cluster("failover", clusters.failover)],
            reversal_with_side_topics(),
            found,
        )
        assert settled[0].tail == (RECORDS - 5) * len(CODECS)
        kept_in = settled[0].side_topic
        kept, _ = await source.last(dict.fromkeys(await source.partitions([kept_in]), RECORDS))
        theirs, _ = await target.last(
            dict.fromkeys(await target.partitions([unique_name]), RECORDS)
        )
        for partition, tail in theirs.items():
            digests = [placed.digest for placed in tail.placed[-(RECORDS - 5) :]]
            side = TopicPartition(kept_in, partition.partition)
            assert [placed.digest for placed in kept[side].placed] == digests


def reversal_with_side_topics() -> Reversal:
    return Reversal(
        reversal_id="1",
        scope="main",
        direction=Direction(source="main", target="failover"),
        switch_id="2",
        runner="process",
        cut=None,
        accepts_gaps=False,
        resumes=False,
        tail="side_topic",
        actor="admin",
        reason=None,
        requested_at=datetime.now(UTC),
    )

"""What a mirror has left out, on two real clusters."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from controlplane.domain.completeness import Hole
from controlplane.domain.switch.proved import Proved
from controlplane.domain.switch.state import Cut
from controlplane.probes.completeness import prove
from controlplane.probes.following import Following
from controlplane.probes.mirror import compare
from controlplane.probes.reader import end_reader
from controlplane.probes.replica import watch
from controlplane.probes.rows import ROW
from tests.controlplane.probes.clusters import cluster, create, delete, write

pytestmark = pytest.mark.environment

VALUES = [b"%d" % number for number in range(2 * ROW)]


@asynccontextmanager
async def both(clusters, topic):
    """Readers of two clusters that have a topic."""
    for bootstrap in (clusters.main, clusters.failover):
        await create(bootstrap, topic)
    async with (
        end_reader(cluster("main", clusters.main)) as source,
        end_reader(cluster("failover", clusters.failover)) as replica,
    ):
        yield source, replica


def cut(topic, end, target_end):
    return Cut(source=((f"{topic}-0", end),), target=((f"{topic}-0", target_end),))


async def test_the_last_record_alone_proves_nothing(clusters, unique_name):
    async with both(clusters, unique_name) as (source, replica):
        await write(clusters.main, unique_name, b"tom", b"laura", b"sam", b"eve")
        await write(clusters.failover, unique_name, b"tom", b"eve")
        found = await compare(source, replica, [unique_name])
        assert found.cut == cut(unique_name, 4, 2), "both end with the same record"
        compared = await prove(source, replica, found.cut, Following())
    hole = Hole(partition=f"{unique_name}-0", first=1, last=2, records=2)
    assert compared.holes == (hole,)
    judged = compared.judged(found, accepted=False)
    assert judged.behind == judged.far_behind == (f"{unique_name}-0",)
    assert judged.cut is None
    accepted = compared.judged(found, accepted=True)
    assert (accepted.behind, accepted.holes, accepted.cut) == ((), (hole,), found.cut)
    assert accepted.compared == ((f"{unique_name}-0", 2),)
    assert accepted.proved == Proved(every_record=1, records=2), "the log is read from its begin"


async def test_what_is_further_back_is_compared_if_offsets_do_not_agree(clusters, unique_name):
    async with both(clusters, unique_name) as (source, replica):
        for bootstrap in (clusters.main, clusters.failover):
            await write(bootstrap, unique_name, *VALUES[:20])
        seen = await watch(source, replica, await source.partitions([unique_name]), None)
        await write(clusters.main, unique_name, *VALUES[20:])
        await write(clusters.failover, unique_name, *VALUES[20:100], *VALUES[101:])
        ends = cut(unique_name, len(VALUES), len(VALUES) - 1)
        compared = await prove(source, replica, ends, Following(seen))
        unseen = await prove(source, replica, ends, Following())
    hole = Hole(partition=f"{unique_name}-0", first=100, last=100, records=1)
    assert compared.holes == (hole,)
    assert compared.proved.every_record == 1
    assert unseen.holes == (), "nobody knew where to begin"
    assert unseen.proved == Proved(counted_and_tail=1, records=ROW, counted=(f"{unique_name}-0",))


async def test_what_has_not_moved_is_not_read_again(clusters, unique_name):
    async with both(clusters, unique_name) as (source, replica):
        for bootstrap in (clusters.main, clusters.failover):
            await write(bootstrap, unique_name, *VALUES[:20])
        seen = await watch(source, replica, await source.partitions([unique_name]), None)
        compared = await prove(source, replica, cut(unique_name, 20, 20), Following(seen))
    assert (compared.rows, compared.holes) == ({}, ())
    assert compared.proved == Proved(not_seen_since=1)


async def test_the_watch_remembers_what_was_left_out(clusters, unique_name):
    async with both(clusters, unique_name) as (source, replica):
        for bootstrap in (clusters.main, clusters.failover):
            await write(bootstrap, unique_name, *VALUES[:20])
        await write(clusters.main, unique_name, *VALUES[20:40])
        await write(clusters.failover, unique_name, *VALUES[22:40])
        seen = await watch(source, replica, await source.partitions([unique_name]), None)
        hole = Hole(partition=f"{unique_name}-0", first=20, last=21, records=2)
        assert [mark.hole for mark in seen.marks] == [hole]
        for bootstrap in (clusters.main, clusters.failover):
            await write(bootstrap, unique_name, *VALUES[: ROW + 10])
        later = await watch(source, replica, await source.partitions([unique_name]), seen)
        assert [mark.hole for mark in later.marks] == [hole], "out of sight by now"
        ends = cut(unique_name, 40 + ROW + 10, 38 + ROW + 10)
        assert (await prove(source, replica, ends, Following(later))).holes == (hole,)


async def test_what_was_left_out_is_forgotten_when_the_topic_is_gone(clusters, unique_name):
    async with both(clusters, unique_name) as (source, replica):
        await write(clusters.main, unique_name, *VALUES[:20])
        await write(clusters.failover, unique_name, *VALUES[:10], *VALUES[12:20])
        seen = await watch(source, replica, await source.partitions([unique_name]), None)
        assert [mark.hole.records for mark in seen.marks] == [2]
        await delete(clusters.failover, unique_name)
        while await replica.partitions([unique_name]):  # noqa: ASYNC110 - the broker says it to who asks
            await asyncio.sleep(0.05)
        gone = await watch(source, replica, await source.partitions([unique_name]), seen)
        assert [mark.hole for mark in gone.marks] == [None]


async def test_of_transactions_only_records_count(clusters, unique_name):
    async with both(clusters, unique_name) as (source, replica):
        for number in range(3):
            values = VALUES[number * 10 : number * 10 + 10]
            await write(clusters.main, unique_name, *values, transactional_id=unique_name)
        await write(clusters.failover, unique_name, *VALUES[:30])
        seen = await watch(source, replica, await source.partitions([unique_name]), None)
        compared = await prove(source, replica, cut(unique_name, 33, 30), Following(seen))
    assert [mark.hole for mark in seen.marks] == [None]
    assert compared.holes == ()

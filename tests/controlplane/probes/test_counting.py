"""What is more than may be read is counted on real clusters, and said to be no more than that."""

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from controlplane.domain.replica import Anchor
from controlplane.domain.switch.proved import Means, Proved
from controlplane.probes.completeness import prove
from controlplane.probes.counting import count_on_both
from controlplane.probes.following import Following
from controlplane.probes.mirror import compare
from controlplane.probes.reader import end_reader
from controlplane.probes.replica import watch
from tests.controlplane.conftest import eventually
from tests.controlplane.probes.batches import GZIP, Raw, append, batch
from tests.controlplane.probes.clusters import cluster, create, write

pytestmark = pytest.mark.environment

HUGE = 40 << 20
"""More than is read of one partition, and some tens of kilobytes on its way."""


@pytest.fixture
async def scene(clusters, unique_name):
    """Partition 0 holds what anybody writes, partition 1 what nobody wants to open."""
    main, failover = cluster("main", clusters.main), cluster("failover", clusters.failover)
    for side in (main, failover):
        await create(side.bootstrap_servers, unique_name, partitions=2)
        await append(side, unique_name, 0, batch(Raw(b"tom"), Raw(b"laura")))
    async with end_reader(main) as source, end_reader(failover) as target:
        yield main, failover, source, target


def huge(*times: int, size: int = HUGE) -> bytes:
    return batch(*(Raw(bytes(size), timestamp=at) for at in times), codec=GZIP)


async def test_it_is_proved_by_its_number_and_the_others_by_their_records(scene, unique_name):
    main, failover, source, target = scene
    for at in (1000, 2000):
        await append(main, unique_name, 1, huge(at))
    partitions = await source.partitions([unique_name])
    seen = await watch(source, target, partitions, None)
    assert [mark.counted for mark in seen.marks] == [None, Anchor(-1, -1)]
    behind = await compare(source, target, [unique_name], following=Following(seen))
    assert (behind.behind, behind.unreadable) == ((f"{unique_name}-1",), ())
    assert behind.far_behind == (), "it is as far behind as its times say"

    await append(failover, unique_name, 1, huge(1000))
    seen = await watch(source, target, partitions, seen)
    assert seen.marks[1].counted == Anchor(0, 0), "on its way"
    await append(failover, unique_name, 1, huge(2000))
    following = Following(seen)
    found = await compare(source, target, [unique_name], following=following)
    assert (found.behind, found.unreadable) == ((), ())
    compared = await prove(source, target, found.cut, following)
    assert (compared.unreadable, compared.holes) == ((), ())
    assert compared.proved == Proved(not_seen_since=1, counted_alone=1, alone=(f"{unique_name}-1",))
    seen = await watch(source, target, partitions, seen)
    assert seen.marks[1].counted == Anchor(1, 1)
    assert seen.marks[1].unreadable is not None
    assert (await watch(source, target, partitions, seen)).marks == seen.marks


async def test_what_lacks_one_is_waited_for_and_what_does_not_fit_is_not_proved(scene, unique_name):
    main, failover, source, target = scene
    await append(main, unique_name, 1, huge(1000, 2000))
    await append(failover, unique_name, 1, huge(1000))
    found = await compare(source, target, [unique_name])
    assert (found.behind, found.unreadable, found.cut) == ((f"{unique_name}-1",), (), None)
    await append(failover, unique_name, 1, huge(9000))
    found = await compare(source, target, [unique_name])
    assert {one.partition for one in found.unreadable} == {f"{unique_name}-1"}
    assert found.cut is None


async def test_more_than_there_are_prove_nothing_alone(scene, unique_name):
    main, failover, source, target = scene
    await append(main, unique_name, 1, huge(1000))
    for _ in range(2):
        await append(failover, unique_name, 1, huge(1000))
    found = await compare(source, target, [unique_name])
    assert {one.partition for one in found.unreadable} == {f"{unique_name}-1"}
    assert found.cut is None, "the second may be what came twice, or hide what is missing"


async def test_where_the_end_can_be_read_it_is(scene, unique_name):
    """Many records of a megabyte: all of them are too many, the last ones are not."""
    main, failover, source, target = scene
    for side in (main, failover):
        for number in range(40):
            value = bytes([number]) * (1 << 20)
            await append(side, unique_name, 1, batch(Raw(value), codec=GZIP))
    partitions = await source.partitions([unique_name])
    seen = await watch(source, target, partitions, None)
    assert "ended after" in seen.marks[1].unreadable.cause
    assert seen.marks[1].counted == Anchor(39, 39)
    for side in (main, failover):
        await append(side, unique_name, 1, batch(Raw(b"end")))
    following = Following(seen)
    found = await compare(source, target, [unique_name], following=following)
    compared = await prove(source, target, found.cut, following)
    assert compared.proved == Proved(
        counted_and_tail=1, not_seen_since=1, counted=(f"{unique_name}-1",)
    )
    # One more on the target at the end, which nobody wrote.
    await append(failover, unique_name, 1, batch(Raw(b"other")))
    found = await compare(source, target, [unique_name], following=Following(seen))
    assert found.cut is None


async def test_transactions_that_were_taken_back_do_not_count(clusters, unique_name):
    main, failover = cluster("main", clusters.main), cluster("failover", clusters.failover)
    for side in (main, failover):
        await create(side.bootstrap_servers, unique_name)
    partition = TopicPartition(unique_name, 0)
    async with AIOKafkaProducer(
        bootstrap_servers=clusters.main, transactional_id=unique_name
    ) as producer:
        for values, is_kept in (((b"a", b"b"), True), ((b"c",), False), ((b"d",), True)):
            await producer.begin_transaction()
            for value in values:
                await producer.send_and_wait(unique_name, value, partition=0, timestamp_ms=1000)
            await (producer.commit_transaction() if is_kept else producer.abort_transaction())
    await write(clusters.failover, unique_name, b"a", b"b", b"d")
    async with end_reader(main) as source, end_reader(failover) as target:

        async def ended() -> bool:
            return (await source.committed_ends([partition]))[partition] == 7

        await eventually(ended)
        counted = (await count_on_both(source, target, {partition: [Anchor(-1, -1)]}))[partition]
    assert (counted.found.counted, counted.place) == (3, Anchor(6, 2))
    assert counted.means is Means.COUNTED_AND_TAIL


async def test_counting_begins_in_the_middle_of_a_batch(scene, unique_name):
    main, failover, source, target = scene
    partition = TopicPartition(unique_name, 1)
    records = [Raw(b"%d" % n, timestamp=n) for n in range(1, 6)]
    await append(main, unique_name, 1, batch(*records))
    await append(failover, unique_name, 1, batch(*records[:2]))
    await append(failover, unique_name, 1, batch(*records[2:]))
    counted = (await count_on_both(source, target, {partition: [Anchor(1, 1)]}))[partition]
    assert (counted.found.counted, counted.found.is_as_many) == (3, True)


async def test_a_bomb_takes_its_own_share(scene, unique_name):
    """Whatever it would become, and however often it is asked for first."""
    main, _, source, _ = scene
    for _ in range(30):
        await append(main, unique_name, 1, huge(1000, size=20 << 20))
    wanted = {TopicPartition(unique_name, p): 500 for p in (1, 0)}
    found, unreadable = await source.last(wanted)
    assert [p.partition for p in found] == [0]
    (cause,) = (one.cause for one in unreadable.values())
    assert cause == "what is read of one partition ended after 40 MiB", "no third batch is opened"

"""One partition that cannot be read does not blind the others."""

import pytest
from aiokafka import TopicPartition

from controlplane.domain.positions import Committed, Method
from controlplane.mirrors.restoring import settle_tails
from controlplane.probes import reader as reader_module
from controlplane.probes.completeness import prove
from controlplane.probes.divergence import find_divergence
from controlplane.probes.failing import UnreadableError
from controlplane.probes.following import Following
from controlplane.probes.groups import commit
from controlplane.probes.imprints import imprint_reader
from controlplane.probes.mirror import compare
from controlplane.probes.numbers import side_by_side
from controlplane.probes.positions import Side, translate
from controlplane.probes.reader import end_reader
from controlplane.probes.replica import losses, watch
from controlplane.probes.unpacking import MOST_HEADERS
from tests.controlplane.probes.batches import GZIP, Raw, append, batch
from tests.controlplane.probes.clusters import cluster, create
from upstream.access import access_to
from upstream.inquiry import inquiry

pytestmark = pytest.mark.environment

PARTITIONS = 3
GOOD = [Raw(b"%d" % n, timestamp=1000 * n) for n in range(1, 8)]
MANY = [(b"", None)] * MOST_HEADERS
POISON = Raw(b"poison", headers=[(b"\xff", b"v"), *MANY])
"""A name that aiokafka's parser cannot read, and more headers than are read otherwise."""
MIRRORED = Raw(b"poison", headers=[("\ufffd".encode(), b"v"), *MANY])
"""What MirrorMaker 2 makes of it."""


@pytest.fixture
async def scene(clusters, unique_name):
    """A topic, alike on both clusters; in partition 1 one record cannot be read on main."""
    main, failover = cluster("main", clusters.main), cluster("failover", clusters.failover)
    for side in (main, failover):
        await create(side.bootstrap_servers, unique_name, partitions=PARTITIONS)
        for partition in range(PARTITIONS):
            await append(side, unique_name, partition, batch(*GOOD[:4]))
    await append(main, unique_name, 1, batch(POISON))
    for partition in (0, 2):
        await append(main, unique_name, partition, batch(*GOOD[4:]))
    async with end_reader(main) as source, end_reader(failover) as target:
        yield main, failover, source, target


def name(topic: str, partition: int = 1) -> str:
    return f"{topic}-{partition}"


async def test_the_watch_goes_on_and_marks_it(scene, unique_name):
    *_, source, target = scene
    seen = await watch(source, target, await source.partitions([unique_name]), None)
    readable = [mark for mark in seen.marks if mark.unreadable is None]
    assert [(m.partition, m.anchor.source) for m in readable] == [
        (name(unique_name, 0), 3),
        (name(unique_name, 2), 3),
    ]
    (unreadable,) = [mark.unreadable for mark in seen.marks if mark.unreadable is not None]
    assert (unreadable.partition, unreadable.cluster) == (name(unique_name), "main")
    assert unreadable.offset == 4, "as far as it can be read"
    assert "a record has 10001 headers" in unreadable.cause
    lost = {loss.partition: loss for loss in await losses(target, seen)}
    assert lost[name(unique_name, 0)].first == 4
    assert lost[name(unique_name)].first == 0, "never less than there is"
    assert lost[name(unique_name)].unreadable == unreadable


async def test_what_is_huge_when_it_is_decompressed_is_named_and_costs_no_memory(
    clusters, unique_name
):
    """As a tenant can write it within every limit: 70 MiB in 70 kB."""
    main, failover = cluster("main", clusters.main), cluster("failover", clusters.failover)
    for side in (main, failover):
        await create(side.bootstrap_servers, unique_name, partitions=2)
        await append(side, unique_name, 0, batch(*GOOD))
    huge = batch(Raw(bytes(70 << 20)), codec=GZIP)
    assert len(huge) < 100_000
    await append(main, unique_name, 1, huge)
    async with end_reader(main) as source, end_reader(failover) as target:
        seen = await watch(source, target, await source.partitions([unique_name]), None)
    assert [m.anchor.source for m in seen.marks if m.unreadable is None] == [6]
    (found,) = [mark.unreadable for mark in seen.marks if mark.unreadable is not None]
    assert (found.partition, found.cluster, found.offset) == (name(unique_name), "main", 0)
    assert "is more than 32 MiB when it is decompressed" in found.cause


async def test_a_record_of_the_replica_that_cannot_be_read_tells_no_smaller_loss(
    scene, unique_name
):
    main, failover, source, target = scene
    await append(failover, unique_name, 0, batch(*GOOD[4:]))
    seen = await watch(source, target, await source.partitions([unique_name]), None)
    await append(main, unique_name, 0, batch(*GOOD[:2]))
    await append(failover, unique_name, 0, batch(POISON))
    (loss,) = [o for o in await losses(target, seen) if o.partition == name(unique_name, 0)]
    assert (loss.first, loss.unreadable.cluster) == (7, "failover")


async def test_it_is_counted_where_that_can_be_done_and_may_be_left_behind(scene, unique_name):
    _, failover, source, target = scene
    for partition in (0, 2):
        await append(failover, unique_name, partition, batch(*GOOD[4:]))
    found = await compare(source, target, [unique_name])
    assert (found.behind, found.unreadable) == ((name(unique_name),), ()), "one less is there"
    assert found.cut is None
    waived = await compare(source, target, [unique_name], waived=[name(unique_name)])
    assert (waived.behind, waived.waived) == ((), (name(unique_name),))
    assert waived.cut is not None
    logs = await side_by_side(source, target, await source.partitions([unique_name]), None, {})
    assert [log.whole for log in logs] == [True, False, True]
    await append(failover, unique_name, 1, batch(MIRRORED))
    following = Following()
    found = await compare(source, target, [unique_name], following=following)
    compared = await prove(source, target, found.cut, following)
    assert (compared.proved.every_record, compared.proved.alone) == (2, (name(unique_name),))


async def test_what_does_not_fit_is_not_proved_and_is_named(scene, unique_name):
    _, failover, source, target = scene
    for partition in (0, 2):
        await append(failover, unique_name, partition, batch(*GOOD[4:]))
    await append(failover, unique_name, 1, batch(Raw(b"other", timestamp=9000)))
    found = await compare(source, target, [unique_name])
    assert found.behind == found.far_behind == (name(unique_name),)
    assert [one.partition for one in found.unreadable] == [name(unique_name)]
    assert found.cut is None
    waived = await compare(source, target, [unique_name], waived=[name(unique_name)])
    assert (waived.behind, waived.unreadable) == ((), ())


async def test_what_stands_further_back_is_not_proved_either(scene, unique_name):
    main, failover, source, target = scene
    for partition in (0, 2):
        await append(failover, unique_name, partition, batch(*GOOD[4:]))
    for side in (main, failover):
        await append(side, unique_name, 1, batch(*GOOD, *GOOD))
    found = await compare(source, target, [unique_name])
    assert (found.behind, found.unreadable) == ((), ()), "the last records can be read"
    compared = await prove(source, target, found.cut, Following())
    assert [one.partition for one in compared.unreadable] == [name(unique_name)]
    assert len(compared.rows) == PARTITIONS - 1
    judged = compared.judged(found, accepted=True)
    assert judged.behind == (name(unique_name),)
    assert judged.cut is None
    waived = compared.judged(found, accepted=False, waived=[name(unique_name)])
    assert (waived.behind, waived.unreadable) == ((), ())
    assert waived.waived == (name(unique_name),)
    assert waived.cut == found.cut


async def test_positions_behind_it_are_never_later_than_can_be_shown(scene, unique_name):
    main, failover, source, target = scene
    await append(main, unique_name, 1, batch(*GOOD))
    async with (
        imprint_reader(main) as ours,
        imprint_reader(failover) as theirs,
        inquiry(access_to(main)) as asking,
    ):
        at = {0: 2, 1: 4, 2: 3}
        told = [Committed(f"{unique_name}g", unique_name, p, offset) for p, offset in at.items()]
        assert await commit(asking, told) == {}
        found, points = await translate(
            Side(main, source, ours),
            Side(failover, target, theirs),
            lambda group: group.startswith(unique_name),
            {unique_name},
        )
    assert dict(found.by_method) == {"aligned": 2, "start": 1}
    assert points[TopicPartition(unique_name, 1)] == [(4, 0)]
    assert [remark.detail for remark in found.remarks] == [Method.START]


async def test_divergence_names_it_and_nothing_is_emptied(scene, unique_name):
    main, failover, source, target = scene
    found = await find_divergence(source, target, [unique_name], ({}, {}))
    assert [d.on_serving.count for d in found] == [3, 0, 3]
    assert [d.unreadable.partition for d in found if d.unreadable] == [name(unique_name)]
    from tests.controlplane.probes.test_compressed import reversal_with_side_topics  # noqa: PLC0415

    with pytest.raises(UnreadableError, match=f"cannot read {name(unique_name)} on main"):
        await settle_tails([main, failover], reversal_with_side_topics(), found)


async def test_a_budget_that_ran_out_is_told_as_ours(scene, unique_name, monkeypatch):
    *_, source, _ = scene
    partitions = await source.partitions([unique_name])
    monkeypatch.setattr(reader_module, "_READ_BUDGET_S", 0.0)
    found, unreadable = await source.last(dict.fromkeys(partitions, 10))
    assert found == {}
    assert {one.cause for one in unreadable.values()} == {
        "our budget of 0 s ran out before offset 5",
        "our budget of 0 s ran out before offset 7",
    }

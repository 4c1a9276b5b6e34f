"""Records without a timestamp, which get one by being mirrored, on two real clusters."""

from datetime import UTC, datetime

import pytest

from controlplane.domain.positions import Committed
from controlplane.domain.replica import Anchor
from controlplane.probes import searching
from controlplane.probes.completeness import prove
from controlplane.probes.divergence import find_divergence
from controlplane.probes.following import Following
from controlplane.probes.groups import commit
from controlplane.probes.imprints import imprint_reader
from controlplane.probes.mirror import compare, lag
from controlplane.probes.numbers import side_by_side
from controlplane.probes.positions import Side, translate
from controlplane.probes.reader import end_reader
from controlplane.probes.replica import losses, watch
from tests.controlplane.probes.batches import Raw, append, batch
from tests.controlplane.probes.clusters import cluster, create
from upstream.access import access_to
from upstream.inquiry import inquiry

pytestmark = pytest.mark.environment

NOW = int(datetime.now(UTC).timestamp() * 1000)
ORIGINALS = [
    *(Raw(b"%d" % n, timestamp=1000 * n) for n in range(1, 10)),
    Raw(b"none", timestamp=-1),
    Raw(b"before 1970", timestamp=-86_400_000),
    Raw(b"same", timestamp=-1),
    Raw(b"same", timestamp=-1),
]
COPIES = [
    Raw(r.value, timestamp=NOW + at if r.timestamp < 0 else r.timestamp)
    for at, r in enumerate(ORIGINALS)
]


@pytest.fixture(params=["there", "back"])
async def scene(clusters, unique_name, request):
    """The cluster that serves with what it holds, and the other one with the same but one record.

    On the way back the copies serve.
    """
    main, failover = cluster("main", clusters.main), cluster("failover", clusters.failover)
    sides = [(main, ORIGINALS), (failover, COPIES)]
    if request.param == "back":
        sides.reverse()
    for side, records in sides:
        await create(side.bootstrap_servers, unique_name)
        await append(side, unique_name, 0, batch(*records[:-1]))
    (serving, records), (other, last) = sides
    await append(serving, unique_name, 0, batch(records[-1]))
    async with end_reader(serving) as source, end_reader(other) as target:
        yield serving, other, source, target, batch(last[-1])


async def test_watch_proof_numbers_and_divergence(scene, unique_name):
    _, other, source, target, last = scene
    topics = [unique_name]
    seen = await watch(source, target, await source.partitions(topics), None)
    (loss,) = await losses(target, seen)
    assert (seen.marks[0].anchor, seen.marks[0].hole, loss.first) == (
        Anchor(len(ORIGINALS) - 2, len(ORIGINALS) - 2),
        None,
        len(ORIGINALS) - 1,
    ) or seen.marks[0].anchor is None, "of two records that look alike the last may be either"
    lacking = await compare(source, target, topics)
    assert lacking.behind == (f"{unique_name}-0",)
    partitions = await source.partitions(topics)
    records, seconds = await lag(source, target, partitions, ({}, {}))
    assert (records, seconds < 60) == (1, True)

    await append(other, unique_name, 0, last)
    found = await compare(source, target, topics)
    assert found.behind == ()
    compared = await prove(source, target, found.cut, Following())
    assert compared.holes == ()
    assert [rows.found for rows in compared.rows.values()] == [len(ORIGINALS)]
    (log,) = await side_by_side(
        source, target, await source.partitions(topics), None, compared.rows
    )
    assert [(run.shift, run.count) for run in log.runs] == [(0, len(ORIGINALS))]
    (divergence,) = await find_divergence(source, target, topics, ({}, {}))
    assert (divergence.on_serving.count, divergence.on_other.count) == (0, 0)


@pytest.mark.parametrize(("near", "at"), [(5000, 10), (0, 0)])
async def test_a_group_misses_nothing(scene, unique_name, monkeypatch, near, at):
    """One that is far behind begins anew if its next record has no timestamp to be found by."""
    serving, other, source, target, last = scene
    await append(other, unique_name, 0, last)
    monkeypatch.setattr(searching, "_NEAR", near)
    async with (
        imprint_reader(serving) as ours,
        imprint_reader(other) as theirs,
        inquiry(access_to(serving)) as asking,
    ):
        told = [Committed(f"{unique_name}g", unique_name, 0, 10)]
        assert await commit(asking, told) == {}
        _, points = await translate(
            Side(serving, source, ours),
            Side(other, target, theirs),
            lambda group: group.startswith(unique_name),
            {unique_name},
        )
    ((_, place),) = next(iter(points.values()))
    assert place in {10, at}

"""Whatever a real broker takes of a record is read, and proved by what a mirror makes of it."""

from dataclasses import replace

import pytest

from controlplane.domain.switch.proved import Proved
from controlplane.probes.completeness import prove
from controlplane.probes.following import Following
from controlplane.probes.mirror import compare
from controlplane.probes.reader import end_reader
from controlplane.probes.unpacking import text
from tests.controlplane.probes.batches import CODECS, ODD_COMPRESSIONS, Raw, append, batch
from tests.controlplane.probes.clusters import cluster, create
from tests.controlplane.probes.test_unpacking import ODD

pytestmark = pytest.mark.environment

KINDS = [
    *ODD.values(),
    Raw(b"", b"", headers=[(b"", b""), (b"", None), (b"h", b"1"), (b"h", b"2")]),
    Raw(None, None, timestamp=-1),
    Raw(b"v", timestamp=-(2**62)),
    Raw(b"v", headers=[(b"\xed\xa0\x80", b"half of a pair"), (b"\xe2\x82", b"cut")]),
]
WAYS = [
    *((codec, None, odd) for codec in CODECS for odd in KINDS),
    *((*how, Raw(b"v" * 1000, b"k")) for how in ODD_COMPRESSIONS),
]
"""Codec, how it is done if not as usual, and the record; one for each partition."""


def mirrored(odd: Raw) -> Raw:
    """As MirrorMaker 2 writes it (`tests/system/test_mirror.py` has the real one do it)."""
    headers = [(text(name).encode(), value) for name, value in odd.headers]
    at = odd.timestamp if odd.timestamp >= 0 else 1_764_000_000_000
    return replace(odd, headers=headers, timestamp=at, attributes=0, is_overlong=False)


async def test_each_is_proved_by_every_record(clusters, unique_name):
    main, failover = cluster("main", clusters.main), cluster("failover", clusters.failover)
    for side in (main, failover):
        await create(side.bootstrap_servers, unique_name, partitions=len(WAYS))
    for partition, (codec, compress, odd) in enumerate(WAYS):
        before, after = Raw(b"before"), Raw(b"after")
        written = batch(before, odd, after, codec=codec, compress=compress)
        await append(main, unique_name, partition, written)
        copy = batch(before, mirrored(odd), after)
        await append(failover, unique_name, partition, copy)
    async with end_reader(main) as source, end_reader(failover) as target:
        following = Following()
        found = await compare(source, target, [unique_name], following=following)
        assert (found.behind, found.unreadable) == ((), ())
        compared = await prove(source, target, found.cut, following)
    assert (compared.unreadable, compared.holes) == ((), ())
    assert compared.proved == Proved(every_record=len(WAYS), records=3 * len(WAYS))


async def test_another_name_is_another_record(clusters, unique_name):
    main, failover = cluster("main", clusters.main), cluster("failover", clusters.failover)
    for side, name in ((main, b"\xff"), (failover, b"\xff\xff")):
        await create(side.bootstrap_servers, unique_name)
        await append(side, unique_name, 0, batch(Raw(b"v", headers=[(name, b"v")])))
    async with end_reader(main) as source, end_reader(failover) as target:
        found = await compare(source, target, [unique_name])
    assert found.behind == (f"{unique_name}-0",)

"""What was changed or deleted on one real cluster is so on the other one."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import OffsetAndMetadata

from controlplane.domain.parity.made import Trimmed
from controlplane.probes.asking import asking
from controlplane.probes.groups import committed_by
from controlplane.probes.layout import layout_of
from controlplane.probes.parity.configs import TopicStateReader
from controlplane.probes.parity.governed import Governed
from controlplane.probes.parity.making import Clusters, ParityMaker
from controlplane.probes.readers import Readers
from tests.controlplane.probes.clusters import KEPT, cluster, delete, write

pytestmark = pytest.mark.environment

VALUES = [b"%d" % number for number in range(200)]


@asynccontextmanager
async def maker(clusters) -> AsyncIterator[ParityMaker]:
    both = cluster("main", clusters.main), cluster("failover", clusters.failover)
    readers = Readers(both)
    try:
        yield ParityMaker(Clusters(*both), readers)
    finally:
        await readers.close()


def of(name: str, deleted: Collection[str] = ()) -> Governed:
    return Governed(lambda other: other.startswith(name), deleted)


@asynccontextmanager
async def administering(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def make_topic(bootstrap: str, topic: str, partitions: int = 1, **configs: str) -> None:
    named = {key.replace("_", "."): value for key, value in configs.items()}
    async with administering(bootstrap) as admin:
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=KEPT | named)])


async def values(bootstrap: str, topic: str) -> dict[str, str | None]:
    async with asking(cluster("any", bootstrap), "") as asked:
        found = await TopicStateReader().read(asked, await layout_of(asked, [topic]), [topic])
    return {name: config.value for name, config in found[topic].configs.items()}


async def partitions_of(bootstrap: str, topic: str) -> int:
    async with asking(cluster("any", bootstrap), "") as asked:
        found = (await layout_of(asked, [topic])).topics.get(topic)
    return len(found.leaders) if found is not None else 0


async def read(
    bootstrap: str, topic: str, partition: int = 0
) -> list[tuple[bytes | None, bytes | None]]:
    """Key and value of all records."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None)
    await consumer.start()
    try:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        consumer.seek(place, (await consumer.beginning_offsets([place]))[place])
        records = []
        while await consumer.position(place) < end:
            records += [
                r for some in (await consumer.getmany(timeout_ms=200)).values() for r in some
            ]
    finally:
        await consumer.stop()
    return [(record.key, record.value) for record in records]


async def test_configs_are_carried_over_and_read_back(clusters, unique_name):
    await make_topic(clusters.main, unique_name, segment_ms="77777", max_message_bytes="5555")
    await make_topic(clusters.failover, unique_name, retention_ms="60000", flush_ms="9")
    async with maker(clusters) as parity:
        planned = await parity.compare(of(unique_name))
        assert {c.config for c in planned.carried} == {
            "retention.ms",
            "segment.ms",
            "max.message.bytes",
            "flush.ms",
        }
        assert (await values(clusters.failover, unique_name))["retention.ms"] == "60000"
        made = await parity.make(of(unique_name), serving=False)
        assert (set(made.carried), made.left) == (set(planned.carried), ())
        assert await values(clusters.failover, unique_name) == await values(
            clusters.main, unique_name
        )
        assert not (await parity.make(of(unique_name), serving=True)).changed


async def test_log_append_time_waits_for_the_switch(clusters, unique_name):
    await make_topic(clusters.main, unique_name, message_timestamp_type="LogAppendTime")
    await make_topic(clusters.failover, unique_name)
    async with maker(clusters) as parity:
        assert not (await parity.make(of(unique_name), serving=False)).changed
        made = await parity.make(of(unique_name), serving=True)
        assert [c.value for c in made.carried] == ["LogAppendTime"]
    there = await values(clusters.failover, unique_name)
    assert there["message.timestamp.type"] == "LogAppendTime"


async def test_partitions_that_were_added_are_added(clusters, unique_name):
    await make_topic(clusters.main, unique_name, partitions=3)
    await make_topic(clusters.failover, unique_name)
    async with maker(clusters) as parity:
        made = await parity.make(of(unique_name), serving=False)
    assert made.partitions_added == (unique_name,)
    assert await partitions_of(clusters.failover, unique_name) == 3


async def test_a_deleted_topic_goes_and_one_that_nobody_deleted_is_named(clusters, unique_name):
    gone, odd = f"{unique_name}-gone", f"{unique_name}-odd"
    for topic in (gone, odd):
        await make_topic(clusters.failover, topic)
    async with maker(clusters) as parity:
        made = await parity.make(of(unique_name, {gone}), serving=False)
        assert made.topics_deleted == (gone,)
        assert [(d.name, d.harmless) for d in made.left] == [(odd, False)]
        while await partitions_of(clusters.failover, gone):  # noqa: ASYNC110 - deletion is polled
            await asyncio.sleep(0.05)
        assert await partitions_of(clusters.failover, odd) == 1
    await delete(clusters.failover, odd)


async def delete_records(bootstrap: str, topic: str, before: int) -> None:
    async with administering(bootstrap) as admin:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before)})


@pytest.mark.parametrize("before", [60, 200], ids=["some", "all"])
async def test_records_that_were_deleted_are_deleted(clusters, unique_name, before):
    for bootstrap in (clusters.main, clusters.failover):
        await make_topic(bootstrap, unique_name)
        await write(bootstrap, unique_name, *VALUES)
    await delete_records(clusters.main, unique_name, before)
    async with maker(clusters) as parity:
        assert (await parity.compare(of(unique_name))).trimmed
        assert (await parity.make(of(unique_name), serving=False)).trimmed == ()
        assert len(await read(clusters.failover, unique_name)) == 200, "a switch may be undone"
        made = await parity.make(of(unique_name), serving=True)
        assert made.trimmed == (Trimmed(partition=f"{unique_name}-0", before=before),)
        assert not (await parity.make(of(unique_name), serving=True)).changed
    assert await read(clusters.failover, unique_name) == await read(clusters.main, unique_name)


async def test_of_a_topic_that_was_made_anew_only_the_new_records_stay(clusters, unique_name):
    await make_topic(clusters.main, unique_name)
    await make_topic(clusters.failover, unique_name)
    await write(clusters.failover, unique_name, *VALUES[:100])
    for bootstrap in (clusters.main, clusters.failover):
        await write(bootstrap, unique_name, *VALUES[150:158])
    async with maker(clusters) as parity:
        await parity.make(of(unique_name), serving=True)
    there = [value for _, value in await read(clusters.failover, unique_name)]
    assert there == VALUES[150:158]


async def test_what_is_on_its_way_is_looked_for_again(clusters, unique_name):
    for bootstrap in (clusters.main, clusters.failover):
        await make_topic(bootstrap, unique_name)
    await write(clusters.failover, unique_name, *VALUES[:5])
    await write(clusters.main, unique_name, VALUES[7])
    async with maker(clusters) as parity:
        assert (await parity.compare(of(unique_name))).trimmed == ()
        await write(clusters.failover, unique_name, VALUES[7])
        await parity.make(of(unique_name), serving=True)
    assert await read(clusters.failover, unique_name) == [(None, VALUES[7])]


async def test_a_topic_that_was_made_anew_to_be_compacted_loses_records_without_a_key(
    clusters, unique_name
):
    await make_topic(clusters.failover, unique_name)
    await write(clusters.failover, unique_name, *VALUES[:5])
    await make_topic(clusters.main, unique_name, cleanup_policy="compact")
    for bootstrap in (clusters.main, clusters.failover):
        await write_keys(bootstrap, unique_name, tom=b"1")
    async with maker(clusters) as parity:
        await parity.make(of(unique_name), serving=False)
        await parity.delete_once_more(of(unique_name))
        made = await parity.make(of(unique_name), serving=True)
    assert made.trimmed == (Trimmed(partition=f"{unique_name}-0", before=5),)
    assert await read(clusters.failover, unique_name) == [(b"tom", b"1")]
    assert await values(clusters.failover, unique_name) == await values(clusters.main, unique_name)


async def test_what_the_target_lacks_at_its_beginning_is_no_reason_to_delete(clusters, unique_name):
    for bootstrap in (clusters.main, clusters.failover):
        await make_topic(bootstrap, unique_name)
        await write(bootstrap, unique_name, *VALUES[:20])
    await delete_records(clusters.failover, unique_name, 5)
    async with maker(clusters) as parity:
        assert not (await parity.make(of(unique_name), serving=True)).changed
    assert len(await read(clusters.failover, unique_name)) == 15


async def commit(bootstrap: str, group: str, topic: str, offsets: dict[int, int]) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group)
    await consumer.start()
    try:
        places = {TopicPartition(topic, p): OffsetAndMetadata(o, "") for p, o in offsets.items()}
        consumer.assign(list(places))
        await consumer.commit(places)
    finally:
        await consumer.stop()


async def test_positions_and_groups_that_were_deleted_are_gone(clusters, unique_name):
    stays, gone = f"{unique_name}-stays", f"{unique_name}-gone"
    for bootstrap in (clusters.main, clusters.failover):
        await make_topic(bootstrap, unique_name, partitions=2)
        await commit(bootstrap, stays, unique_name, {0: 0})
    await commit(clusters.failover, stays, unique_name, {1: 0})
    await commit(clusters.failover, gone, unique_name, {0: 0})
    async with maker(clusters) as parity:
        made = await parity.make(of(unique_name), serving=True)
    assert (made.groups_deleted, made.positions_deleted) == ((gone,), 1)
    async with asking(cluster("failover", clusters.failover), "") as asked:
        found = await committed_by(asked, [stays, gone], stable=False)
    assert [c[:3] for c in found.committed] == [(stays, unique_name, 0)]


async def test_keys_that_compaction_has_cleaned_away_are_deleted_once_more(clusters, unique_name):
    compacted = {"cleanup_policy": "compact"}
    for bootstrap in (clusters.main, clusters.failover):
        await make_topic(bootstrap, unique_name, **compacted)
    await write_keys(clusters.failover, unique_name, tom=b"1", eve=b"2", sam=b"3")
    await write_keys(clusters.main, unique_name, eve=b"2", sam=None)
    async with maker(clusters) as parity:
        await parity.make(of(unique_name), serving=False)
        assert await parity.read_keys(of(unique_name)) == ()
        await write_keys(clusters.main, unique_name, ann=b"4")
        await write_keys(clusters.failover, unique_name, sam=None, ann=b"4")
        found = await parity.delete_once_more(of(unique_name))
        assert found == ((f"{unique_name}-0", 1),)
        assert (await read(clusters.main, unique_name))[-1] == (b"tom", None)
        assert await parity.delete_once_more(of(unique_name)) == (), "the mirror brings it"


async def write_keys(bootstrap: str, topic: str, **records: bytes | None) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for key, value in records.items():
            await producer.send_and_wait(topic, value, key.encode(), partition=0, timestamp_ms=1000)

"""Writes that were refused have to come again before later ones."""

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from dataplane.gateway.write_order import WriteOrder
from dataplane.virtual.messages import blank, element_of
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import request_frame

VERSION = 9
NOW = 100.0


def _batch(producer_id: int, sequence: int, epoch: int) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=producer_id,
        producer_epoch=epoch,
        base_sequence=sequence,
        batch_size=1 << 20,
    )
    builder.append(0, 0, None, b"value", [])
    return bytes(builder.build())


def _produce(*sequences: int, producer_id: int = 5, epoch: int = 0) -> bytes:
    """A Produce request with one batch for each partition, from 0 on."""
    request = entity_of(0, VERSION, "request")
    topic = element_of(request, "topic_data")
    partition = element_of(topic, "partition_data")
    partitions = tuple(
        blank(partition, index=index, records=_batch(producer_id, sequence, epoch))
        for index, sequence in enumerate(sequences)
    )
    topics = (blank(topic, name="orders", partition_data=partitions),)
    return request_frame(0, VERSION, blank(request, topic_data=topics))


def test_later_writes_wait_for_the_refused_one() -> None:
    order = WriteOrder()
    order.refused("teamA", _produce(7), NOW)
    assert order.is_broken
    assert not order.may_go("teamA", _produce(8))
    assert not order.may_go("teamA", _produce(9))
    assert order.may_go("teamA", _produce(7))
    assert not order.is_broken
    assert order.may_go("teamA", _produce(8))


def test_the_first_of_several_refused_ones_is_awaited() -> None:
    order = WriteOrder()
    order.refused("teamA", _produce(7), NOW)
    order.refused("teamA", _produce(8), NOW)
    assert not order.may_go("teamA", _produce(8))
    assert order.may_go("teamA", _produce(7))


def test_a_producer_that_gave_up_begins_anew() -> None:
    order = WriteOrder()
    order.refused("teamA", _produce(7), NOW)
    assert order.may_go("teamA", _produce(0, epoch=1))
    assert not order.is_broken


def test_other_producers_and_partitions_go_on() -> None:
    order = WriteOrder()
    order.refused("teamA", _produce(7), NOW)
    assert order.may_go("teamA", _produce(8, producer_id=6))
    assert not order.may_go("teamA", _produce(8, 3))
    order.refused("teamA", _produce(8, 3), NOW)
    assert order.may_go("teamA", _produce(7, 3))


def test_nobody_stops_the_writes_of_another_virtual_cluster() -> None:
    order = WriteOrder()
    order.refused("teamB", _produce(7), NOW)
    assert order.may_go("teamA", _produce(8))
    assert not order.may_go("teamB", _produce(8))


def test_producers_that_are_not_idempotent_have_no_order_to_keep() -> None:
    order = WriteOrder()
    order.refused("teamA", _produce(-1, producer_id=-1, epoch=-1), NOW)
    assert not order.is_broken


def test_a_producer_that_never_comes_back_is_forgotten() -> None:
    order = WriteOrder()
    order.refused("teamA", _produce(7), NOW)
    order.forget(NOW)
    assert order.is_broken
    order.forget(NOW + 1)
    assert not order.is_broken

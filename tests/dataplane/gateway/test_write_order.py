"""Writes that were refused have to come again before later ones."""

from dataclasses import replace
from uuid import UUID

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from dataplane.gateway.write_order import WriteOrder
from dataplane.virtual.heads import PRODUCE_BY_ID_SINCE
from dataplane.virtual.messages import blank, element_of
from dataplane.virtual.own_topics import OwnTopics
from dataplane.virtual.view import Listener, View
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import request_frame

VERSION = 9
NOW = 100.0
ID = UUID(int=4711)
TEAM_A, TEAM_B = (
    View(
        vcluster=name,
        cluster_id="x",
        listeners=(Listener("localhost", 1),),
        brokers=(1,),
        cluster_index=0,
    )
    for name in ("teamA", "teamB")
)


def knowing() -> View:
    """A view that knows which topic has the id."""
    view = replace(TEAM_A, own_topics=OwnTopics())
    view.own_topics.learn(ID.bytes, b"teamAorders")
    return view


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


def _produce(
    *sequences: int, producer_id: int = 5, epoch: int = 0, id_: UUID | None = None
) -> bytes:
    """A Produce request with one batch for each partition, from 0 on."""
    version = VERSION if id_ is None else PRODUCE_BY_ID_SINCE
    named = {"name": "orders"} if id_ is None else {"topic_id": id_}
    request = entity_of(0, version, "request")
    topic = element_of(request, "topic_data")
    partition = element_of(topic, "partition_data")
    partitions = tuple(
        blank(partition, index=index, records=_batch(producer_id, sequence, epoch))
        for index, sequence in enumerate(sequences)
    )
    topics = (blank(topic, **named, partition_data=partitions),)
    return request_frame(0, version, blank(request, topic_data=topics))


def test_later_writes_wait_for_the_refused_one() -> None:
    order = WriteOrder()
    order.refused(TEAM_A, _produce(7), NOW)
    assert order.is_broken
    assert not order.may_go(TEAM_A, _produce(8))
    assert not order.may_go(TEAM_A, _produce(9))
    assert order.may_go(TEAM_A, _produce(7))
    assert not order.is_broken
    assert order.may_go(TEAM_A, _produce(8))


def test_the_first_of_several_refused_ones_is_awaited() -> None:
    order = WriteOrder()
    order.refused(TEAM_A, _produce(7), NOW)
    order.refused(TEAM_A, _produce(8), NOW)
    assert not order.may_go(TEAM_A, _produce(8))
    assert order.may_go(TEAM_A, _produce(7))


def test_a_producer_that_gave_up_begins_anew() -> None:
    order = WriteOrder()
    order.refused(TEAM_A, _produce(7), NOW)
    assert order.may_go(TEAM_A, _produce(0, epoch=1))
    assert not order.is_broken


def test_other_producers_and_partitions_go_on() -> None:
    order = WriteOrder()
    order.refused(TEAM_A, _produce(7), NOW)
    assert order.may_go(TEAM_A, _produce(8, producer_id=6))
    assert not order.may_go(TEAM_A, _produce(8, 3))
    order.refused(TEAM_A, _produce(8, 3), NOW)
    assert order.may_go(TEAM_A, _produce(7, 3))


def test_nobody_stops_the_writes_of_another_virtual_cluster() -> None:
    order = WriteOrder()
    order.refused(TEAM_B, _produce(7), NOW)
    assert order.may_go(TEAM_A, _produce(8))
    assert not order.may_go(TEAM_B, _produce(8))


def test_producers_that_are_not_idempotent_have_no_order_to_keep() -> None:
    order = WriteOrder()
    order.refused(TEAM_A, _produce(-1, producer_id=-1, epoch=-1), NOW)
    assert not order.is_broken


def test_a_producer_that_never_comes_back_is_forgotten() -> None:
    order = WriteOrder()
    order.refused(TEAM_A, _produce(7), NOW)
    order.forget(NOW)
    assert order.is_broken
    order.forget(NOW + 1)
    assert not order.is_broken


@pytest.mark.parametrize("first", [None, ID])
@pytest.mark.parametrize("second", [None, ID])
def test_a_topic_is_one_whether_it_is_named_by_name_or_by_id(first, second) -> None:
    order, view = WriteOrder(), knowing()
    order.refused(view, _produce(7, id_=first), NOW)
    assert not order.may_go(view, _produce(8, id_=second))
    assert order.may_go(view, _produce(7, id_=second))
    assert order.may_go(view, _produce(8, id_=second))


def test_a_write_that_was_refused_before_its_topic_was_known_is_awaited() -> None:
    order = WriteOrder()
    order.refused(replace(TEAM_A, own_topics=OwnTopics()), _produce(7, id_=ID), NOW)
    assert not order.may_go(knowing(), _produce(8, id_=ID))
    assert order.may_go(knowing(), _produce(7, id_=ID))
    assert not order.is_broken

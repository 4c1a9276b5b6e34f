"""Transactional producers on a real cluster: who they are, and an end to what they have open."""

import asyncio
import contextlib
from datetime import timedelta
from functools import partial

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from kio.static.primitive import i32Timedelta

from contract.clusters_file import ClusterProperties
from controlplane.domain.identities import Producer
from controlplane.probes import transactions
from controlplane.probes.asking import asking
from controlplane.probes.failing import OutOfTimeError
from controlplane.probes.transactions import (
    Described,
    all_transactions,
    end_transactions,
    give_producers,
    open_transactions,
)
from tests.controlplane.probes.test_ghosts import create
from tests.environment.backends import Clusters

pytestmark = pytest.mark.environment


@pytest.fixture
def main(clusters: Clusters) -> ClusterProperties:
    properties = {"bootstrap.servers": clusters.main}
    return ClusterProperties(name="main", role="upstream", properties=properties)


async def begin(main: ClusterProperties, transactional_id: str, topic: str) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=main.bootstrap_servers, transactional_id=transactional_id
    )
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"value")
    return producer


async def test_what_is_open_is_aborted_and_its_producer_fenced_off(
    main: ClusterProperties, unique_name: str
):
    def is_ours(name: str) -> bool:
        return name.startswith(unique_name)

    await create(main.bootstrap_servers, unique_name)
    late = await begin(main, f"{unique_name}late", unique_name)
    done = await begin(main, f"{unique_name}done", unique_name)
    await done.commit_transaction()
    foreign = await begin(main, f"other{unique_name}", unique_name)
    before = {d.producer.transactional_id: d for d in await all_transactions(main, is_ours)}
    assert before[f"{unique_name}late"].state == "Ongoing"

    (seen,) = await open_transactions(main, is_ours)
    assert (seen.transactional_id, seen.producer_id) == (
        f"{unique_name}late",
        before[f"{unique_name}late"].producer.producer_id,
    )
    assert 0 <= seen.open_s < 60 == seen.timeout_s
    aborted = await end_transactions(main, is_ours)

    assert list(aborted) == [f"{unique_name}late"]
    was, now, ended = aborted[f"{unique_name}late"]
    assert msgspec.structs.replace(ended, open_s=seen.open_s) == seen
    assert await open_transactions(main, is_ours) == ()
    assert was == before[f"{unique_name}late"].producer
    assert (now.producer_id, now.epoch > was.epoch) == (was.producer_id, True)
    after = {d.producer.transactional_id: d for d in await all_transactions(main, is_ours)}
    assert after[f"{unique_name}late"].producer == now
    assert after[f"{unique_name}done"].producer == before[f"{unique_name}done"].producer
    assert await end_transactions(main, is_ours) == {}
    with pytest.raises(KafkaError):
        await late.commit_transaction()
    await foreign.commit_transaction()
    await asyncio.gather(foreign.stop(), done.stop(), late.stop())


async def test_a_cluster_gives_out_a_later_epoch_each_time(
    main: ClusterProperties, unique_name: str
):
    timeout = i32Timedelta.parse(timedelta(seconds=60))
    ids = [f"{unique_name}{number}" for number in range(500)]
    wanted = [Described(Producer(id_, 5, 0), "Empty", timeout) for id_ in ids]
    first, second = {}, {}
    await give_producers(main, wanted, first)
    await give_producers(main, wanted, second)
    assert sorted(first) == sorted(second) == sorted(ids)
    for id_ in ids:
        assert first[id_].producer_id == second[id_].producer_id
        assert first[id_].epoch < second[id_].epoch


async def test_whom_a_cluster_refuses_is_missing(main: ClusterProperties, unique_name: str):
    too_long = i32Timedelta.parse(timedelta(days=20))
    wanted = [Described(Producer(unique_name, 5, 0), "Empty", too_long)]
    given = {}
    await give_producers(main, wanted, given)
    assert given == {}


async def test_what_was_given_before_the_time_was_over_need_not_be_given_again(
    main: ClusterProperties, unique_name: str, monkeypatch: pytest.MonkeyPatch
):
    timeout = i32Timedelta.parse(timedelta(seconds=60))
    ids = {f"{unique_name}{number}" for number in range(1500)}
    given: dict[str, Producer] = {}
    monkeypatch.setattr(transactions, "asking", partial(asking, budget_s=0.5))
    looks = 0
    while given.keys() != ids:
        looks += 1
        assert looks < 100
        missing = [Described(Producer(id_, 5, 0), "Empty", timeout) for id_ in ids - given.keys()]
        with contextlib.suppress(OutOfTimeError):
            await give_producers(main, missing, given)

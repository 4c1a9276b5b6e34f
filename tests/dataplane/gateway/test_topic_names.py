"""What clusters tell of their topics, asked once for many."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from uuid import UUID

import pytest
from kio.schema.errors import ErrorCode

from contract.topic_ids import NO_ID
from dataplane.gateway import topic_names
from dataplane.gateway.topic_names import GOOD_FOR_S, Lookup, TopicNames
from upstream.inquiry import InquiryError

KNOWN = {UUID(int=1).bytes: "orders", UUID(int=2).bytes: "users"}
ORDERS, USERS, UNKNOWN = *KNOWN, UUID(int=3).bytes


class Cluster:
    """Answers like a broker, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        """Topics in each request."""
        self.fails = False

    async def ask_any(self, *requests):
        if self.fails:
            raise InquiryError("cluster main does not answer")
        self.asked += [len(request.topics) for request in requests]
        return [SimpleNamespace(topics=[self.told(t) for t in r.topics]) for r in requests]

    def told(self, topic):
        if topic.name is not None:
            ids = {name: id_ for id_, name in KNOWN.items()}
            id_ = ids.get(topic.name)
            error = ErrorCode.none if id_ else ErrorCode.unknown_topic_or_partition
            return SimpleNamespace(
                error_code=error, topic_id=UUID(bytes=id_) if id_ else None, name=topic.name
            )
        name = KNOWN.get(topic.topic_id.bytes)
        error = ErrorCode.none if name else ErrorCode.unknown_topic_id
        return SimpleNamespace(error_code=error, topic_id=topic.topic_id, name=name)


@pytest.fixture
def cluster(monkeypatch):
    answering = Cluster()

    @asynccontextmanager
    async def inquiry(_access):
        yield answering

    monkeypatch.setattr(topic_names, "inquiry", inquiry)
    return answering


@pytest.fixture
async def names(cluster):
    names = TopicNames({"main": None})
    running = asyncio.ensure_future(names.run())
    yield names
    running.cancel()


async def found(names: TopicNames, *lookups: Lookup) -> None:
    told = [asyncio.Event() for _ in lookups]
    for lookup, event in zip(lookups, told, strict=True):
        names.ask("main", lookup, event.set)
    async with asyncio.timeout(5):
        for event in told:
            await event.wait()


async def test_what_was_asked_is_known_for_a_while(names):
    lookup = Lookup(frozenset({ORDERS, UNKNOWN}), frozenset({b"users", b"nowhere"}))
    now = asyncio.get_running_loop().time()
    assert names.lacks("main", lookup, now)
    await found(names, lookup)
    now = asyncio.get_running_loop().time()
    assert not names.lacks("main", lookup, now)
    assert names.lacks("main", lookup, now + GOOD_FOR_S + 1)
    assert names.lacks("failover", lookup, now)
    assert (names.name_of("main", ORDERS), names.name_of("main", UNKNOWN)) == ("orders", None)
    assert (names.id_of("main", b"users"), names.id_of("main", b"nowhere")) == (USERS, NO_ID)


async def test_what_waits_at_the_same_time_is_asked_for_together(names, cluster):
    await found(names, *(Lookup(frozenset({id_})) for id_ in (ORDERS, USERS, ORDERS)))
    assert cluster.asked == [2]


async def test_ids_and_names_are_asked_for_apart_as_brokers_heed_one_of_them(names, cluster):
    await found(names, Lookup(frozenset({ORDERS}), frozenset({b"users"})))
    assert cluster.asked == [1, 1]


async def test_a_cluster_that_does_not_answer_is_asked_again_by_the_next(names, cluster):
    cluster.fails = True
    names.ask("main", Lookup(frozenset({ORDERS})), lambda: pytest.fail("told of nothing"))
    await asyncio.sleep(0.05)
    cluster.fails = False
    await found(names, Lookup(frozenset({ORDERS})))
    assert names.name_of("main", ORDERS) == "orders"


async def test_what_goes_wrong_with_one_client_is_no_matter_of_others(names):
    def fails() -> None:
        raise RuntimeError("a client")

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    names.ask("main", Lookup(frozenset({ORDERS})), fails)
    await found(names, Lookup(frozenset({USERS})))
    await found(names, Lookup(frozenset({UNKNOWN})))

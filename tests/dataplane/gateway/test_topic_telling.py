"""Changes of topics reach the control planes: many at once, in order, until they know."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from time import monotonic

import httpx
import pytest
import stamina

from contract.cluster_security import TlsProperties
from contract.session import TopicCreated, TopicDeleted
from dataplane.gateway.topic_telling import MOST_AT_ONCE, is_passing, tell_topics
from dataplane.gateway.topics_under_way import TopicsUnderWay, Untold
from dataplane.node.control_planes import ControlPlanes
from dataplane.virtual.topics import TopicFact
from upstream.tls import TlsContexts

REQUEST = httpx.Request("POST", "http://localhost/internal/v1/nodes/a/topics")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_control_plane_in_trouble_is_asked_again(status: int) -> None:
    answer = httpx.Response(status, request=REQUEST)
    assert is_passing(httpx.HTTPStatusError("trouble", request=REQUEST, response=answer))


def test_nobody_there_is_asked_again() -> None:
    assert is_passing(httpx.ConnectError("refused"))


@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_refusal_is_final(status: int) -> None:
    answer = httpx.Response(status, request=REQUEST)
    assert not is_passing(httpx.HTTPStatusError("refused", request=REQUEST, response=answer))


def created(logical: str) -> TopicCreated:
    return TopicCreated(
        vcluster="teamA", logical=logical, partitions=1, replication_factor=1, configs={}
    )


async def told(
    facts: list[TopicFact], answer: Callable[[httpx.Request], httpx.Response]
) -> list[httpx.Request]:
    """What a control plane is asked until nothing waits any more."""
    asked: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    queue: asyncio.Queue[Untold] = asyncio.Queue()
    under_way = TopicsUnderWay()
    under_way.done(len(facts))
    for fact in facts:
        queue.put_nowait(Untold(fact, monotonic() - 1.5, under_way))
    async with ControlPlanes(("http://plane",), "token", TlsContexts(TlsProperties())) as planes:
        planes._http = httpx.AsyncClient(transport=httpx.MockTransport(take))
        # It waits for more when it has told everything.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await tell_topics("n1", queue, planes)
    assert under_way.total == 0
    return asked


async def test_what_waits_is_told_at_once_and_in_order():
    facts = [created("a"), TopicDeleted(vcluster="teamA", logical="a"), created("a")]
    (asked,) = await told(list(facts), lambda _: httpx.Response(204))
    assert asked.url.path == "/internal/v1/nodes/n1/topic-changes"
    changes = json.loads(asked.content)["changes"]
    assert [change["deleted"] is None for change in changes] == [True, False, True]
    assert changes[0]["created"]["logical"] == "a"
    assert all(change["ago_s"] >= 1.5 for change in changes)


async def test_a_call_is_not_larger_than_an_event_s_worth_of_work():
    facts: list[TopicFact] = [created(f"t{n}") for n in range(2 * MOST_AT_ONCE + 1)]
    asked = await told(facts, lambda _: httpx.Response(204))
    sizes = [len(json.loads(request.content)["changes"]) for request in asked]
    assert sizes == [MOST_AT_ONCE, MOST_AT_ONCE, 1]


@pytest.mark.parametrize("status", [404, 405])
async def test_an_older_control_plane_is_told_one_by_one(status: int):
    def older(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status if "topic-changes" in request.url.path else 204)

    gone = TopicDeleted(vcluster="teamA", logical="b")
    asked = await told([created("a"), gone], older)
    assert [(r.method, r.url.path.rpartition("/")[2]) for r in asked] == [
        ("POST", "topic-changes"),
        ("POST", "topics"),
        ("DELETE", "topics"),
    ]


async def test_what_is_told_again_is_the_same_call():
    answers = iter([503, 204, 204])
    with stamina.set_testing(True, attempts=2):
        asked = await told([created("a")], lambda _: httpx.Response(next(answers)))
    first, again = (json.loads(request.content) for request in asked)
    ages = [told["changes"][0].pop("ago_s") for told in (first, again)]
    assert ages[0] < ages[1], "it is longer ago now"
    assert first == again
    (other,) = await told([created("a")], lambda _: httpx.Response(204))
    assert json.loads(other.content)["call_id"] not in {"", first["call_id"]}

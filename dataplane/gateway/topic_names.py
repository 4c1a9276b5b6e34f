"""Which topic has an id on a cluster, and which id a topic has: asked when a request needs it.

Most never do. What waits for answers is asked for together, so that a client with many questions
costs a cluster no more than one at a time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from kio.schema.errors import ErrorCode
from kio.schema.metadata.v12.request import MetadataRequest, MetadataRequestTopic
from kio.schema.types import TopicName

from contract.topic_ids import NO_ID
from upstream.access import ClusterAccess
from upstream.inquiry import InquiryError, inquiry

LOOK_BUDGET_S: Final = 3.0
GOOD_FOR_S: Final = 10.0
"""A topic may be made, or made anew, while somebody still asks for what was there before."""
UNKNOWN_FOR_S: Final = 1.0
"""A broker that has not heard of a new topic yet hears of it in no time."""
_MOST_KNOWN: Final = 100_000
_AT_ONCE: Final = 1000
"""Topics in one request."""

log = structlog.get_logger()


class Lookup(NamedTuple):
    """What a request needs to know of a cluster's topics."""

    ids: frozenset[bytes] = frozenset()
    """Of topics whose names are wanted."""
    names: frozenset[bytes] = frozenset()
    """Physical names of topics whose ids are wanted."""


class TopicNames:
    """What clusters have told of their topics, by cluster."""

    def __init__(self, accesses: Mapping[str, ClusterAccess]) -> None:
        """Know nothing yet."""
        self._accesses = accesses
        self._names: dict[tuple[str, bytes], tuple[str | None, float]] = {}
        self._ids: dict[tuple[str, bytes], tuple[bytes, float]] = {}
        self._waiting: dict[str, list[tuple[Lookup, Callable[[], None]]]] = defaultdict(list)
        self._asked = asyncio.Event()

    def name_of(self, cluster: str, id_: bytes) -> str | None:
        """The physical name of the topic with an id; None if there was none, or nobody asked."""
        return self._names.get((cluster, id_), (None, 0.0))[0]

    def id_of(self, cluster: str, name: bytes) -> bytes:
        """The id of a topic by its physical name; `NO_ID` if there was none."""
        return self._ids.get((cluster, name), (NO_ID, 0.0))[0]

    def lacks(self, cluster: str, lookup: Lookup, now: float) -> bool:
        """Whether the cluster has to be asked first."""
        ids = ((self._names.get((cluster, id_))) for id_ in lookup.ids)
        names = ((self._ids.get((cluster, name))) for name in lookup.names)
        return any(known is None or known[1] < now for known in (*ids, *names))

    def ask(self, cluster: str, lookup: Lookup, told: Callable[[], None]) -> None:
        """Have the cluster asked; `told` is called when it has answered."""
        self._waiting[cluster].append((lookup, told))
        self._asked.set()

    async def run(self) -> None:
        """Ask what there is to ask, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            waiting, self._waiting = self._waiting, defaultdict(list)
            async with asyncio.TaskGroup() as asking:
                for cluster, lookups in waiting.items():
                    asking.create_task(self._look(cluster, lookups))

    async def _look(self, cluster: str, lookups: list[tuple[Lookup, Callable[[], None]]]) -> None:
        ids = {id_ for lookup, _ in lookups for id_ in lookup.ids}
        names = {name for lookup, _ in lookups for name in lookup.names}
        try:
            async with asyncio.timeout(LOOK_BUDGET_S):
                await self._learn(cluster, ids, names)
        except (InquiryError, OSError) as error:  # a TimeoutError is one
            # Who waits is answered when its time is up, and asks again.
            log.warning("topics could not be looked up", cluster=cluster, error=str(error))
            return
        for _, told in lookups:
            # What goes wrong with one client is no matter of those that are asked for next.
            asyncio.get_running_loop().call_soon(told)

    async def _learn(self, cluster: str, ids: set[bytes], names: set[bytes]) -> None:
        if len(self._names) + len(self._ids) > _MOST_KNOWN:
            self._names.clear()
            self._ids.clear()
        by_id = [MetadataRequestTopic(topic_id=UUID(bytes=id_), name=None) for id_ in ids]
        by_name = [
            MetadataRequestTopic(topic_id=None, name=TopicName(name.decode())) for name in names
        ]
        # Brokers heed no names in a request with ids in it.
        requests = [_request(some) for some in (*_chunks(by_id), *_chunks(by_name))]
        async with inquiry(self._accesses[cluster]) as asked:
            answers = await asked.ask_any(*requests)
        now = monotonic()
        good_until, unknown_until = now + GOOD_FOR_S, now + UNKNOWN_FOR_S
        self._names |= {(cluster, id_): (None, unknown_until) for id_ in ids}
        self._ids |= {(cluster, name): (NO_ID, unknown_until) for name in names}
        for topic in (topic for answer in answers for topic in answer.topics):
            if topic.error_code is ErrorCode.none and topic.topic_id is not None:
                id_, name = topic.topic_id.bytes, topic.name
                self._names[cluster, id_] = (name, good_until)
                self._ids[cluster, name.encode()] = (id_, good_until)


def _chunks(wanted: list[MetadataRequestTopic]) -> Iterable[tuple[MetadataRequestTopic, ...]]:
    return (tuple(wanted[at : at + _AT_ONCE]) for at in range(0, len(wanted), _AT_ONCE))


def _request(topics: tuple[MetadataRequestTopic, ...]) -> MetadataRequest:
    return MetadataRequest(
        topics=topics,
        allow_auto_topic_creation=False,
        include_topic_authorized_operations=False,
    )

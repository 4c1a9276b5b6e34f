"""Two tenants of one cluster: one behind the gateway, one whose names the test translates itself.

Both begin empty and get the same requests, so whatever a request changes it changes in both.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from kio.schema.errors import ErrorCode

from contract.producer_ids import NUMBER_BITS
from dataplane.virtual.transactions import NAMES_PRODUCER
from dataplane.virtual.view import View
from dataplane.wire.schema import Field, api_name, struct_of
from tests.dataplane.equivalence.bodies import SYMBOL
from tests.dataplane.gateway.scripted import RawClient, framed
from tests.dataplane.virtual.instances import Oracle, decoded, request_frame

Change = Callable[[Field, Any], Any]
"""What becomes of a value that is no struct."""


_NUMBER = (1 << NUMBER_BITS) - 1
"""Of a producer id, what a cluster itself gave out."""

FETCH = 1
LATER = {
    ErrorCode.concurrent_transactions,
    ErrorCode.coordinator_load_in_progress,
    ErrorCode.coordinator_not_available,
    ErrorCode.not_coordinator,
}
"""Errors that are gone a moment later, with nothing done until then."""


@dataclass
class World:
    """A connection, and the ids that the broker gave out over it."""

    client: RawClient
    members: list[str] = field(default_factory=list)
    producers: list[int] = field(default_factory=list)
    topics: dict[UUID, UUID] = field(default_factory=dict)

    async def ask(self, key: int, version: int, body: Any) -> Any:
        """The decoded answer, ids as the broker gave them out; asked again if it is "later"."""
        answer = await self._ask(key, version, body)
        while LATER & errors_in(answer):
            await asyncio.sleep(0.02)
            answer = await self._ask(key, version, body)
        return answer

    async def _ask(self, key: int, version: int, body: Any) -> Any:
        self.client.send(framed(request_frame(key, version, self._resolved(body))))
        try:
            correlation_id, rest = await self.client.receive()
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            raise AssertionError(f"{type(self).__name__} did not answer: {error!r}") from error
        return decoded(key, version, "response", correlation_id.to_bytes(4) + rest)

    def _resolved(self, body: Any) -> Any:
        def resolve(f: Field, value: Any) -> Any:
            if f.type_name == "ProducerId" and value >= SYMBOL:
                known = value - SYMBOL
                return self.producers[known] if known < len(self.producers) else 4002
            if f.name == "member_id" and value.startswith("@"):
                known = int(value[1:])
                return self.members[known] if known < len(self.members) else "gone"
            if f.kind == "uuid":
                return self.topics.get(value, value)
            return value

        return changed(body, resolve)

    def symbolic(self, answer: Any) -> Any:
        """The answer with symbols for the ids."""

        def name(f: Field, value: Any) -> Any:
            if value in self.members:
                return f"@{self.members.index(value)}"
            numbers = [known & _NUMBER for known in self.producers]
            if f.type_name == "ProducerId" and value >= 0 and value & _NUMBER in numbers:
                return SYMBOL + numbers.index(value & _NUMBER)
            return value

        return changed(answer, name)


@dataclass
class Twin(World):
    """The tenant without a gateway: translates with an oracle of its own."""

    view: View | None = None

    async def ask(self, key: int, version: int, body: Any) -> Any:
        api = api_name(key)
        view = self.view
        assert view is not None
        physical = Oracle(api, "request", view).entity(body)
        answer = await super().ask(key, version, physical)
        return Oracle(api, "response", view).entity(answer)

    def _resolved(self, body: Any) -> Any:
        def real(f: Field, value: Any) -> Any:
            is_given = f.type_name == "ProducerId" and value >= 0
            return value & _NUMBER if is_given else value

        resolved = super()._resolved(body)
        return changed(resolved, real) if body.__api_key__ in NAMES_PRODUCER else resolved


def changed(entity: Any, change: Change) -> Any:
    """An entity with every value that is no struct run through `change`."""

    def value_of(f: Field, value: Any) -> Any:
        if value is None:
            return None
        one = (lambda v: changed(v, change)) if f.struct else (lambda v: change(f, v))
        return tuple(map(one, value)) if f.array else one(value)

    struct = struct_of(type(entity))
    return replace(
        entity,
        **{f.name: value_of(f, getattr(entity, f.name)) for f in (*struct.fields, *struct.tagged)},
    )


def learn(one: World, other: World, answers: tuple[Any, Any]) -> None:
    """Take note of the ids that both worlds were given."""
    for name, known in (("member_id", "members"), ("producer_id", "producers")):
        pair = [getattr(answer, name, None) for answer in answers]
        for world, id_ in zip((one, other), pair, strict=True):
            ids = getattr(world, known)
            if all(p not in {None, "", -1} for p in pair) and id_ not in ids:
                ids.append(id_)


def comparable(answer: Any, differences: Collection[str] | None = None) -> Any:
    """The answer without what no two answers have in common: see DIFFERENCES."""
    leveled = DIFFERENCES if differences is None else differences
    together = _topics_together(answer)
    return _sorted(changed(together, lambda f, v: _leveled(v) if f.name in leveled else v))


def _topics_together(answer: Any) -> Any:
    """Each topic of a Fetch answer once: brokers begin it anew where another's error is between."""
    if answer.__api_key__ != FETCH:
        return answer
    topics: dict[Any, Any] = {}
    for topic in answer.responses:
        called = getattr(topic, "topic", None) or topic.topic_id
        known = topics.setdefault(called, topic)
        if known is not topic:
            more = (*known.partitions, *topic.partitions)
            topics[called] = replace(known, partitions=more)
    return replace(answer, responses=tuple(topics.values()))


DIFFERENCES = {
    "throttle_time": "the broker's quotas are over time",
    "error_message": "words that are not Kafka's are masked, so texts are only there or not",
    "batch_index_error_message": "the same",
    "transaction_start_time": "the time of the request",
    "last_timestamp": "the same",
    "log_dir": "directories go by other names",
    "topic_id": "the twin's topics are others: it is there or not",
    "generation_id": "how often a group begins anew that its members have left depends on time",
}
"""Fields that are not compared, and why. Arrays are compared without their order, as brokers keep
them in hash maps of physical names."""


def _leveled(value: Any) -> Any:
    if isinstance(value, str):
        return "some text" if value else value
    if isinstance(value, UUID):
        return UUID(int=1)
    return dt.timedelta() if isinstance(value, dt.timedelta) else None


def _sorted(entity: Any) -> Any:
    struct = struct_of(type(entity))
    changes = {}
    for f in (*struct.fields, *struct.tagged):
        value = getattr(entity, f.name)
        if f.struct is not None and value is not None:
            inner = tuple(map(_sorted, value)) if f.array else _sorted(value)
            changes[f.name] = tuple(sorted(inner, key=repr)) if f.array else inner
    return replace(entity, **changes)


def errors_in(answer: Any) -> set[ErrorCode]:
    """Every error that an answer names."""
    found = set()

    def look(f: Field, value: Any) -> Any:
        if f.kind == "error_code":
            found.add(value)
        return value

    changed(answer, look)
    return found - {ErrorCode.none}

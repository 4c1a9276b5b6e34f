"""The gates between a client's request and its program: which stand there, and in which order.

A plain Produce of a plain account passes none. What can only be seen while a frame is walked, its
program sees: it says which gates it lacks, and is run again behind them.
"""

from collections.abc import Collection, Mapping
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Final

from dataplane.virtual.heads import METADATA, OFFSET_COMMIT
from dataplane.virtual.last_writes import RepeatedWriteError
from dataplane.virtual.producer_ids import TransactionalWriteError
from dataplane.virtual.transactions import NAMES_PRODUCER
from dataplane.wire.errors import NamedByIdError, ReadOnlyTopicError

_PRODUCE: Final = 0
_HOLDS_IDS: Final = frozenset({68, 69})
"""ConsumerGroupHeartbeat and ConsumerGroupDescribe: topics in their answers have ids alone."""


class Gate(Enum):
    """In the order in which a request comes to them."""

    INVENTORY = "the topics that a client asks for are noted"
    REAL_PRODUCER = "a producer's id and epoch become those that the cluster knows"
    PARKING = "what has to wait for the end of a switch leaves the line"
    LOOKUP_ORDER = "commits and writes wait for those before whose topics are being looked up"
    TOPIC_IDS = "topics get names that are named by id, and ids that have to be known"
    WRITE_ORDER = "a write waits for those before it that were put off"
    JUDGEMENT = "what the account may not do is answered, and the rest goes on"
    REPETITIONS = "writes that the cluster before had appended are answered, the rest goes on"
    REAL_WRITES = "batches get the producer and the numbers that the cluster knows"


@cache
def gates_of(
    api_key: int,
    is_judged: bool,  # noqa: FBT001 - asked for each request: names cost time
    is_watched: bool,  # noqa: FBT001
    order_is_broken: bool,  # noqa: FBT001
) -> tuple[Gate, ...]:
    """The gates of an API's requests.

    `is_judged` is said by the account's rights, `is_watched` by the scope, and `order_is_broken` by
    whether any write of the node has to come again, or any of the connection waits.
    """
    is_write = api_key == _PRODUCE
    stands = {
        Gate.INVENTORY: api_key == METADATA,
        Gate.WRITE_ORDER: is_write and order_is_broken,
        Gate.REAL_PRODUCER: api_key in NAMES_PRODUCER,
        Gate.PARKING: is_watched,
        Gate.LOOKUP_ORDER: api_key == OFFSET_COMMIT or (is_write and order_is_broken),
        Gate.TOPIC_IDS: api_key in _HOLDS_IDS,
        Gate.JUDGEMENT: is_judged,
        Gate.REPETITIONS: is_judged and is_write,
    }
    return tuple(gate for gate in Gate if stands.get(gate))


@cache
def with_known_topics(gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
    """The same for a write by topic ids: whoever looks into it has to know the topics first."""
    wanted = {*gates, Gate.TOPIC_IDS}
    return tuple(gate for gate in Gate if gate in wanted)


_LOOK_INTO: Final = (Gate.JUDGEMENT, Gate.REPETITIONS)

_BEHIND: Final[Mapping[type[Exception], tuple[Gate, ...]]] = MappingProxyType(
    {
        NamedByIdError: (Gate.TOPIC_IDS,),
        ReadOnlyTopicError: _LOOK_INTO,
        RepeatedWriteError: _LOOK_INTO,
        TransactionalWriteError: (Gate.REAL_WRITES,),
    }
)
"""What a program lacks, by what it says."""

LACKING: Final = tuple(_BEHIND)


def gates_lacking(lacking: Exception, api_key: int, passed: Collection[Gate]) -> tuple[Gate, ...]:
    """What a program asks for that has walked a frame; none if it has passed them already."""
    others = passed if api_key == _PRODUCE else {*passed, Gate.REPETITIONS}
    return tuple(gate for gate in _BEHIND[type(lacking)] if gate not in others)

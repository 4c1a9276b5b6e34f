"""Transactional producers: who they are on a cluster, and an end to what they have open."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

import structlog
from kio.schema.errors import ErrorCode
from kio.schema.find_coordinator.v4.request import FindCoordinatorRequest
from kio.schema.init_producer_id.v4.request import InitProducerIdRequest
from kio.schema.list_transactions.v0.request import ListTransactionsRequest
from kio.schema.types import TransactionalId
from kio.static.primitive import i8, i32Timedelta

from contract.clusters_file import ClusterProperties
from controlplane.domain.identities import Producer
from controlplane.domain.open_transactions import OpenTransaction
from controlplane.probes.asking import asking
from controlplane.probes.describe_transactions.request import DescribeTransactionsRequest
from upstream.inquiry import Inquiry, InquiryError

_UNDONE: Final = "was not done with transactions"
_PAUSE_S: Final = 0.02
_IN_ONE: Final = 200
"""Transactional ids that one request asks for."""
_TRANSACTION: Final = 1
"""The kind of coordinator that is looked for."""
_NEVER: Final = -1
_OPEN: Final = "Ongoing"
_UNFINISHED: Final = frozenset({_OPEN, "PrepareCommit", "PrepareAbort", "PrepareEpochFence"})
"""States in which a cluster has yet to write markers."""
_AGAIN: Final = frozenset(
    {
        ErrorCode.concurrent_transactions,
        ErrorCode.coordinator_load_in_progress,
        ErrorCode.coordinator_not_available,
        ErrorCode.not_coordinator,
    }
)

_logger = structlog.get_logger()


class Described(NamedTuple):
    """A transactional producer and its transaction."""

    producer: Producer
    state: str
    timeout: i32Timedelta
    """After which its cluster aborts a transaction that is not ended."""
    began_at_ms: int = _NEVER
    """When the transaction began, in epoch milliseconds of its cluster."""

    def transaction(self, now: datetime) -> OpenTransaction:
        """The transaction, if one is open."""
        open_ms = now.timestamp() * 1000 - self.began_at_ms if self.began_at_ms >= 0 else 0.0
        return OpenTransaction(
            transactional_id=self.producer.transactional_id,
            producer_id=self.producer.producer_id,
            producer_epoch=self.producer.epoch,
            state=self.state,
            open_s=round(max(0.0, open_ms / 1000), 1),
            timeout_s=self.timeout.total_seconds(),
        )


class Ended(NamedTuple):
    """A transaction that was aborted for its producer."""

    was: Producer
    """Who had it open."""
    now: Producer
    """Who that is since."""
    transaction: OpenTransaction
    """As it was when it was found."""


async def all_transactions(
    cluster: ClusterProperties, is_ours: Callable[[str], bool]
) -> list[Described]:
    """The transactional producers with such ids.

    Raises:
        UnreachableError: the cluster does not answer, or not in time.
    """
    async with asking(cluster, _UNDONE) as asked:
        return await _described(asked, is_ours)


async def open_transactions(
    cluster: ClusterProperties, is_ours: Callable[[str], bool]
) -> tuple[OpenTransaction, ...]:
    """What is open, of the producers with such ids.

    Raises:
        UnreachableError: the cluster does not answer.
        OutOfTimeError: not in time.
    """
    async with asking(cluster, _UNDONE) as asked:
        described = await _described(asked, is_ours, (_OPEN,))
    now = datetime.now(UTC)
    return tuple(one.transaction(now) for one in described if one.state == _OPEN)


async def end_transactions(
    cluster: ClusterProperties, is_ours: Callable[[str], bool]
) -> dict[str, Ended]:
    """Abort what is open, as the cluster itself would, and wait until every marker is written.

    Only once nobody can begin a transaction any more. Returns, by transactional id, who had one
    open, and who that is since: whoever had it cannot go on with it.

    Raises:
        UnreachableError: the cluster does not answer, or not in time.
    """
    aborted: dict[str, Ended] = {}
    async with asking(cluster, _UNDONE) as asked:
        while unfinished := [
            found for found in await _described(asked, is_ours) if found.state in _UNFINISHED
        ]:
            still_open = {f.producer.transactional_id: f for f in unfinished if f.state == _OPEN}
            since: dict[str, Producer] = {}
            await _give(asked, still_open.values(), since)
            for id_, now in since.items():
                found = still_open[id_]
                aborted[id_] = Ended(found.producer, now, found.transaction(datetime.now(UTC)))
            await asyncio.sleep(_PAUSE_S)
    return aborted


async def give_producers(
    cluster: ClusterProperties, described: Iterable[Described], given: dict[str, Producer]
) -> None:
    """Have a cluster that does not serve them give out ids for these.

    Args:
        cluster: the one.
        described: as they are on the cluster that serves them.
        given: gets what was given out, by transactional id, as it is: what does not end in time
            need not begin anew. One that the cluster refuses is missing.

    Raises:
        UnreachableError: the cluster does not answer.
        OutOfTimeError: not in time.
    """
    async with asking(cluster, _UNDONE) as asked:
        await _give(asked, described, given)


async def _described(
    asked: Inquiry, is_ours: Callable[[str], bool], states: tuple[str, ...] = ()
) -> list[Described]:
    """Those whose transactions are in some states; in any, if none is given."""
    listing = ListTransactionsRequest(state_filters=states, producer_id_filters=())
    listed = await asked.ask_each({b: [listing] for b in asked.brokers})
    found = []
    for broker, (_, answer) in zip(asked.brokers, listed, strict=True):
        if answer.error_code is not ErrorCode.none:
            raise InquiryError(
                f"cluster {asked.name} does not tell its transactions: {answer.error_code.name}"
            )
        ids = [s.transactional_id for s in answer.transaction_states if is_ours(s.transactional_id)]
        requests = [DescribeTransactionsRequest(transactional_ids=some) for some in _batches(ids)]
        for described in await asked.ask(broker, *requests):
            found += [_read(state) for state in described.transaction_states if not _gone(state)]
    return found


def _gone(state: Any) -> bool:
    return state.error_code is not ErrorCode.none or state.producer_id < 0


def _read(state: Any) -> Described:
    producer = Producer(state.transactional_id, state.producer_id, state.producer_epoch)
    began_at = state.transaction_start_time_ms
    return Described(producer, state.transaction_state, state.transaction_timeout, began_at)


async def _give(asked: Inquiry, described: Iterable[Described], given: dict[str, Producer]) -> None:
    """Producers that the cluster begins anew: each fences off the one before."""
    awaited = {found.producer.transactional_id: found for found in described}
    while awaited:
        requests = await _beginnings(asked, dict(islice(awaited.items(), _IN_ONE)))
        before = len(awaited)
        for request, answer in await asked.ask_each(requests):
            id_ = request.transactional_id
            if answer.error_code is ErrorCode.none:
                given[id_] = Producer(id_, answer.producer_id, answer.producer_epoch)
            elif answer.error_code in _AGAIN:
                awaited[id_] = awaited.pop(id_)  # behind those that were not asked for yet
                continue
            else:
                _logger.warning(
                    "a cluster gives no producer id",
                    cluster=asked.name,
                    transactional_id=id_,
                    error=answer.error_code.name,
                )
            del awaited[id_]
        if len(awaited) == before:
            await asyncio.sleep(_PAUSE_S)


async def _beginnings(asked: Inquiry, awaited: Mapping[str, Described]) -> dict[int, list[Any]]:
    """By broker, what is to be asked of it."""
    requests: dict[int, list[Any]] = defaultdict(list)
    finding = [
        FindCoordinatorRequest(key_type=i8(_TRANSACTION), coordinator_keys=some)
        for some in _batches(awaited)
    ]
    for answer in await asked.ask_any(*finding):
        for coordinator in answer.coordinators:
            if coordinator.error_code is ErrorCode.none:
                beginning = InitProducerIdRequest(
                    transactional_id=TransactionalId(coordinator.key),
                    transaction_timeout=awaited[coordinator.key].timeout,
                )
                requests[coordinator.node_id].append(beginning)
    return requests


def _batches(ids: Iterable[str]) -> list[tuple[TransactionalId, ...]]:
    known = tuple(map(TransactionalId, ids))
    return [known[start : start + _IN_ONE] for start in range(0, len(known), _IN_ONE)]

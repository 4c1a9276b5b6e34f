"""Producers that are thrown away at the first error, and never keep a shutdown waiting."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from controlplane.probes.connection import client_options
from upstream.closing import close

WRITE_BUDGET_S = 10.0
"""A write that takes longer has failed; the producer is replaced."""
_STOP_BUDGET_S = 2.0

# After an outage an idempotent producer can be stuck for good (aiokafka issue 1017), so nothing is
# retried on the same one beyond what the client does by itself.
KAFKA_FAILURES = (KafkaError, OSError, TimeoutError)


@asynccontextmanager
async def producer(
    cluster: ClusterProperties, transactional_id: str | None = None
) -> AsyncIterator[Any]:
    """A started producer; with a transactional id, every older one of that id is fenced.

    Raises:
        KafkaError: the cluster cannot be reached.
    """
    opened: Any = AIOKafkaProducer(
        **client_options(cluster),
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        transaction_timeout_ms=10_000,
        linger_ms=0,
    )
    try:
        async with asyncio.timeout(WRITE_BUDGET_S):
            await opened.start()
        yield opened
    finally:
        await close(opened.stop(), within_s=_STOP_BUDGET_S)


async def send_all(opened: Any, messages: Iterable[dict[str, Any]]) -> None:
    """Send messages at once, in their order, and wait until all are acknowledged.

    No acknowledgement is left unseen, whichever fails first: aiokafka fails them all, and asyncio
    would tell of each that nobody asked for as of an error that nobody expected.

    Args:
        opened: a producer.
        messages: the keyword arguments of its `send`.

    Raises:
        KafkaError: one of them is not taken.
    """
    sent: list[asyncio.Future[Any]] = []
    for message in messages:
        acknowledgement = await opened.send(**message)
        acknowledgement.add_done_callback(_seen)
        sent.append(acknowledgement)
    for acknowledgement in sent:
        await acknowledgement


def _seen(acknowledgement: asyncio.Future[Any]) -> None:
    if not acknowledgement.cancelled():
        acknowledgement.exception()

"""Tells the control planes which topics clients created, changed and deleted, until they know."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from time import monotonic
from typing import Final
from uuid import uuid4

import httpx
import stamina
import structlog

from contract.session import TopicChange
from dataplane.gateway.topics_under_way import Untold
from dataplane.node.control_planes import ControlPlanes

MOST_AT_ONCE: Final = 100
"""Changes in one call, each of which is an event."""
_OLDER: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
"""What a release answers that takes changes one by one only."""

log = structlog.get_logger()


async def tell_topics(
    node_id: str, facts: asyncio.Queue[Untold], control_planes: ControlPlanes
) -> None:
    """Tell what there is, and what comes, for ever: all that waits at once, in its order."""
    while True:
        some = [await facts.get()]
        while len(some) < MOST_AT_ONCE and not facts.empty():
            some.append(facts.get_nowait())
        call_id = uuid4().hex
        async for attempt in stamina.retry_context(
            on=is_passing, attempts=None, timeout=None, wait_max=2.0
        ):
            with attempt:
                await _tell(node_id, some, call_id, control_planes)
        for change in some:
            change.under_way.told()


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed later: nobody answered, or who did was in trouble."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.TransportError)


async def _tell(
    node_id: str, some: Sequence[Untold], call_id: str, control_planes: ControlPlanes
) -> None:
    with _if_refused("topic changes were refused", topics=len(some)):
        try:
            now = monotonic()
            changes = tuple(TopicChange.of(change.fact, now - change.at) for change in some)
            await control_planes.topics_changed(node_id, changes, call_id)
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in _OLDER:
                raise
            for change in some:
                with _if_refused("topic change was refused", topic=change.fact.logical):
                    await control_planes.topic_changed(node_id, change.fact)


@contextmanager
def _if_refused(event: str, **about: object) -> Iterator[None]:
    """Log what is refused for good; what passes by goes on to whoever tries again."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        if is_passing(error):
            raise
        log.warning(event, error=str(error), **about)

"""Pages that go on without a reload: what has changed of them is sent as server-sent events."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
import structlog
from litestar.response import ServerSentEventMessage

from controlplane.plane import ControlPlane
from controlplane.store.database import LOST

_logger = structlog.get_logger()

_LONGEST_S: Final = 300.0
"""Of one stream: the browser then asks again, and is asked again who it is."""
Parts = Callable[[], Awaitable[Mapping[str, str]]]
"""Works out parts of a page: HTML by the id of the element that it stands in."""


async def changes(
    plane: ControlPlane,
    parts: Sequence[Parts],
    ended: Callable[[], bool] = lambda: False,
    every_s: float = 1.0,
) -> AsyncIterator[ServerSentEventMessage]:
    """What is to be replaced, as it changes; all of it at first.

    Args:
        plane: whose changes.
        parts: what the page is made of; none of them waits for clusters.
        ended: whether nothing will change any more.
        every_s: how often to look, if nothing new is recorded.
    """
    sent: dict[str, str] = {}
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until and not plane.ledger.closing:
        is_last = ended()
        for work_out in parts:
            try:
                found = await work_out()
            except LOST as error:
                # The stream ends, and the page says that it waits.
                _logger.warning("console.not_shown", detail=str(error))
                return
            for name, html in found.items():
                if sent.get(name) != html:
                    sent[name] = html
                    yield _event("fragment", {"id": name, "html": html})
        if is_last:
            yield _event("end", {})
            return
        await plane.ledger.changed.wait(every_s)


def _event(kind: str, data: Mapping[str, str]) -> ServerSentEventMessage:
    return ServerSentEventMessage(event=kind, data=msgspec.json.encode(data).decode())

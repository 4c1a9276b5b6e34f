"""HTTP connections on which a request does not come whole in time are ended.

Uvicorn looks at the time between requests alone: a client that sends half a header keeps its
connection, and a file descriptor of ours, for ever.
"""

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

WHOLE_WITHIN_S: Final = 20.0
"""Seconds for a request's line, headers and body: a megabyte at 50 kB/s."""
_UNDER_WAY: Final = {h11.IDLE, h11.SEND_BODY}


class DeadlinedProtocol(H11Protocol):
    """Uvicorn's HTTP/1.1 with a deadline for each request, and for the first byte of the first."""

    whole_within_s = WHOLE_WITHIN_S

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(*arguments, **options)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Wait for a request."""
        super().connection_made(transport)
        self._keep_time()

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request; the next one may have begun with it."""
        super().data_received(data)
        self._keep_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._forget_time()
        super().connection_lost(exc)

    def _keep_time(self) -> None:
        if self.conn.their_state not in _UNDER_WAY:
            self._forget_time()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.whole_within_s, self.transport.abort)

    def _forget_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

"""Clients that use more than they may: told so in the answer, and not listened to for a while.

As Kafka does it since KIP-219: the answer goes out at once and says for how long; for that time the
connection is not read, and what was read of it is not sent on, so that clients which do not heed it
are slowed down as well.
"""

import asyncio
from collections.abc import Callable

from dataplane.gateway.accounts import Meter
from dataplane.relay.exchange import Request
from dataplane.virtual.throttling import FETCH, PRODUCE, throttled


def charge_write(request: Request, meter: Meter, now: float) -> float:
    """Count a request as it is sent; the seconds for which no other one of the client is."""
    if request.api.key != PRODUCE:
        return 0.0
    request.throttle = meter.wrote(len(request.frame), now)
    return request.throttle


def charge_read(request: Request, meter: Meter, now: float) -> float:
    """Count an answer, and tell the client in it how long it is not listened to."""
    if request.api.key == FETCH:
        request.throttle = meter.read(sum(map(len, request.answer or ())), now)
    if request.throttle > 0 and request.answer is not None:
        request.answer = throttled(request.header, request.answer, request.throttle)
    return request.throttle if request.api.key == FETCH else 0.0


class Mute:
    """Whether a connection is not listened to at present."""

    def __init__(self, over: Callable[[], None]) -> None:
        """Begin with listening; `over` is called when it is listened to again."""
        self.is_on = False
        self._tell = over
        self._timer: asyncio.TimerHandle | None = None

    def turn_on(self, seconds: float) -> None:
        """Do not listen for so long from now on, or for as long as was said before."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() >= until:
                return
            self._timer.cancel()
        self._timer = loop.call_at(until, self._over)
        self.is_on = True

    def cancel(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        self._timer = None
        self.is_on = False
        self._tell()

"""Clients that hang up while nothing is read from them, because what they asked last is held."""

import asyncio
import select
from collections.abc import Iterable

from dataplane.relay.exchange import Request
from dataplane.virtual.messages import decode_request
from dataplane.wire.errors import MalformedFrameError


def nobody_waits(transport: asyncio.Transport, held: Iterable[Request]) -> bool:
    """Whether a client has given up what is held, and asks it elsewhere, if it still wants it.

    Sent on now, a write would come to stand behind later ones of the same producer. Writes without
    acknowledgement are another matter: nobody repeats them, and brokers take them after the client
    has hung up, too (Kafka: `Selector.java`, receives of a closing channel).
    """
    return has_hung_up(transport) and all(map(_is_answered, held))


def has_hung_up(transport: asyncio.Transport) -> bool:
    """Whether a client has ended the connection, though nothing is read from it."""
    socket = transport.get_extra_info("socket")
    if socket is None or transport.is_closing():
        return False
    asked = select.poll()
    asked.register(socket.fileno(), select.POLLRDHUP)
    return bool(asked.poll(0))


def _is_answered(request: Request) -> bool:
    try:
        return decode_request(request.frame).expects_answer
    except MalformedFrameError:
        return True

"""One client connection: requests in, the log-in, and answers out in the order of the requests.

It stays for as long as the client wants; what is behind it, and exchanged at a switch, is its
`relay`. Reading pauses while requests wait there, so a client can make the gateway hold no more
than what it had already sent.
"""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import cast

import structlog

from contract.records import Face
from dataplane.gateway.authentication import FOR_EVER, RENEWAL, Authentication, AuthenticationOver
from dataplane.gateway.frames import Frame, FrameLimitError, FrameReader
from dataplane.gateway.hanging_up import has_hung_up
from dataplane.gateway.inventory import Sighting
from dataplane.gateway.memory_pool import MemoryPool
from dataplane.gateway.outgoing import EncryptedOutgoing, append_framed, write
from dataplane.gateway.relay import PRODUCE, Relay
from dataplane.gateway.services import Services
from dataplane.relay.exchange import Exchange, Request
from dataplane.virtual.answers import Software
from dataplane.virtual.apis import APIS, Api, Treatment
from dataplane.virtual.messages import elements_by_hand
from dataplane.virtual.refusals import denial
from dataplane.virtual.unoffered import check_unoffered
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import Peek, peek

UNAUTHENTICATED_LIMIT = 512 * 1024
"""Bytes of a frame before authentication (Kafka: `sasl.server.max.receive.size`)."""

AUTHENTICATED_LIMIT = 100 * 1024 * 1024
"""Bytes of a frame after it (Kafka: `socket.request.max.bytes`)."""

USUAL = 1024 * 1024
"""Bytes of a frame that are believed to come when they are announced (`max.request.size`)."""

OTHER_LIMIT = 4 * 1024 * 1024
"""Bytes of a request that carries no records: it holds names and numbers, and each is looked at.
Kafka itself stores no more than 1 MiB of a group (`message.max.bytes`)."""

DEPTH_LIMIT = 256
"""Unanswered requests at which reading pauses."""

CLOSE_LIMIT = 5.0
"""Seconds that a client may take to read the last answers of a connection that ends."""

log = structlog.get_logger()


class ClientConnection:
    """A Kafka client's connection to one slot's port.

    An `asyncio.BufferedProtocol` by its methods alone: uvloop asks for no more, and a class with a
    base from elsewhere is slower when compiled.
    """

    def __init__(self, services: Services, slot: int) -> None:
        """Wait for a client on the port of a slot."""
        self._services = services
        self._counters = services.counters
        self.slot = slot
        self.connected_at = monotonic()
        self.session_ends = FOR_EVER
        self.relay: Relay | None = None
        """The way to the broker, once the client has logged in."""
        self.is_slow = False
        self._authentication = Authentication(services, self._authenticated_late)
        self.pool = MemoryPool(within=services.memory.strangers)
        self._reader = FrameReader(UNAUTHENTICATED_LIMIT, services.lent_buffer)
        self._reader.pool = self.pool
        self._exchange = Exchange()
        self._relayed: Mapping[int, Api] = {}
        """What is simply sent on: all that has to be asked of most requests."""
        self._reading = True
        self._peer = ""
        self._encrypted: EncryptedOutgoing | None = None
        self.transport: asyncio.Transport
        self.sighting: Sighting
        """Where it is counted, once the client has logged in."""

    @property
    def software(self) -> Software:
        """What the client says it is."""
        return self._authentication.software

    # --- the client's socket -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        peer = transport.get_extra_info("peername")
        self._peer = f"{peer[0]}:{peer[1]}" if peer else "unknown"
        self._services.connections.add(self)
        self._counters.connections_opened += 1
        if transport.get_extra_info("sslcontext") is not None:
            self._encrypted = EncryptedOutgoing(self.transport)
        if self._services.shows_certificates:
            self._take_certificate()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - our buffers, our sizes
        """Where the socket writes next."""
        return self._reader.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take in complete requests, send them on, and send what is answered already."""
        now = monotonic()
        try:
            for frame in self._reader.received(nbytes):
                self._admit(frame, now)
            if self._reader.is_short:
                self._services.memory.wait(self, now)
        except (FrameLimitError, MalformedFrameError) as error:
            self.close(str(error))
            return
        except AuthenticationOver as over:
            self.send_answers()
            self.close(over.reason)
            return
        self._go_on(now)

    def eof_received(self) -> bool:
        """Close: Kafka knows no half-open connection."""
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone; so is what it waited for."""
        self._services.connections.discard(self)
        self._counters.connections_closed += 1
        if exc is not None:
            log.info("client connection lost", peer=self._peer, error=str(exc))
        self._services.memory.gone(self)
        self._reader.discard()
        if self._encrypted is not None:
            self._encrypted.discard()
        if self.relay is not None:
            self.relay.end()
        self._exchange.discard()

    def pause_writing(self) -> None:
        """The client is slow: let the broker wait."""
        if self._encrypted is not None:
            self._encrypted.pause()
        self._slow_down(slow=True)

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._encrypted is None or self._encrypted.resume():
            self._slow_down(slow=False)

    def _slow_down(self, *, slow: bool) -> None:
        self.is_slow = slow
        if self.relay is not None:
            self.relay.pace_broker()
        self.read_or_pause()

    def take_memory(self) -> bool:
        """Read on if there is memory for the frame that comes; whether that is settled."""
        if self._reader.take_memory():
            self.read_or_pause()
            return True
        if has_hung_up(self.transport):
            self.transport.abort()
        return self.transport.is_closing()

    def close(self, reason: str) -> None:
        """End the connection, with one line in the log that says why."""
        if not self.transport.is_closing():
            self._tell_end(reason)
            self._end()

    def abort(self, reason: str) -> None:
        """The same at once, even if the client has not read all of its answers."""
        if not self.transport.is_closing():
            self._tell_end(reason)
            self.transport.abort()

    def _tell_end(self, reason: str) -> None:
        self._counters.connections_closed_by_node += 1
        user = self.relay.tenant.user if self.relay else None
        log.warning("client connection closed", peer=self._peer, user=user, reason=reason)

    def _end(self) -> None:
        """Close as soon as the last answer has left, or after the limit."""
        self.transport.close()
        if self.transport.get_write_buffer_size() > 0:
            asyncio.get_running_loop().call_later(CLOSE_LIMIT, self.transport.abort)

    # --- requests in ---------------------------------------------------------------------------

    def _admit(self, frame: Frame, now: float) -> None:
        """Queue one request, with its answer if the gateway gives it."""
        if self.relay is None:
            self._authenticate(frame, now)
            return
        header = peek(frame)
        key, version, _ = header
        if now >= self.session_ends and key not in RENEWAL:
            raise AuthenticationOver("its session is over, and it did not authenticate again")
        api = self._relayed.get(key << 16 | version)
        if api is not None and (key == PRODUCE or len(frame) <= OTHER_LIMIT):
            self._counters.requests[key] += 1
            self._exchange.ask(Request(api, header, frame, now))
        else:
            self._admit_other(header, frame, self.relay, now)

    def _admit_other(self, header: Peek, frame: Frame, relay: Relay, now: float) -> None:
        """The same for what is not simply relayed."""
        api = APIS.get(header.api_key)
        if api is None or api.treatment is Treatment.REFUSE:
            name = api.name if api else f"API key {header.api_key}"
            raise MalformedFrameError(f"{name} is not offered")
        if len(frame) > OTHER_LIMIT and header.api_key != PRODUCE:
            raise MalformedFrameError(
                f"{api.name} of {len(frame)} bytes; the limit is {OTHER_LIMIT}"
            )
        self._counters.requests[header.api_key] += 1
        request = Request(api, header, frame, now)
        if api.treatment is Treatment.ANSWER:
            request.answer = self._authentication.answer(request)
            self.session_ends = self._authentication.session_ends
        elif not api.serves_as_offered(header.version):
            check_unoffered(api, header.version, self._face)
        elif api.treatment is Treatment.DENY:
            request.answer = [denial(frame)]
            relay.tenant.tally.of(api.key).refuse(api.denied_with)
            relay.charge(elements_by_hand(frame))
        self._exchange.ask(request)
        if self._authentication.failure is not None:
            raise AuthenticationOver(self._authentication.failure)

    @property
    def _face(self) -> Face | None:
        face = self._services.control.get("face")
        return face if isinstance(face, Face) else None

    def _authenticate(self, frame: Frame, now: float) -> None:
        request = self._authentication.take(frame, now)
        self._exchange.ask(request)
        self._adopt_authentication()

    def _take_certificate(self) -> None:
        encrypted = self.transport.get_extra_info("ssl_object")
        encoded = encrypted.getpeercert(binary_form=True) if encrypted is not None else None
        self._authentication.take_certificate(encoded, self.connected_at)
        try:
            self._adopt_authentication()
        except AuthenticationOver as over:
            self.close(over.reason)

    def _authenticated_late(self) -> None:
        if self.transport.is_closing():
            return
        try:
            self._adopt_authentication()
        except AuthenticationOver as over:
            self.send_answers()
            self.close(over.reason)
            return
        self._go_on(monotonic())

    def _adopt_authentication(self) -> None:
        if self._authentication.failure is not None:
            raise AuthenticationOver(self._authentication.failure)
        self.session_ends = self._authentication.session_ends
        tenant = self._authentication.tenant
        if self.relay is None and tenant is not None:
            self._reader.limit = AUTHENTICATED_LIMIT
            self._reader.trusted = USUAL
            self._reader.pool = self.pool = MemoryPool(within=tenant.account.memory)
            self._relayed = self._services.relayed.under(self._face)
            now = monotonic()
            self.sighting = self._services.inventory.of(
                tenant.vcluster.name, tenant.user, self.software, now
            )
            self.sighting.came(self._peer.rpartition(":")[0], now)
            self.relay = Relay(self._services, tenant, self._exchange, self)

    def _go_on(self, now: float) -> None:
        """Relay what the client may ask, answer what is answered, then read on."""
        if self.relay is not None:
            self.relay.go_on(now)
        else:
            self.send_answers()
            self.read_or_pause()

    # --- answers out ---------------------------------------------------------------------------

    def send_answers(self) -> None:
        """Send the answers whose turn it is."""
        out: list[Frame] = []
        while (request := self._exchange.next_answered()) is not None:
            append_framed(out, request.answer or [])
        if not out:
            return
        if self._encrypted is None:
            write(self.transport, out)
        else:
            self._encrypted.write(out)

    def read_or_pause(self) -> None:
        """Read on only if what was read can go on: back-pressure is all there is."""
        relay = self.relay
        blocked = (
            self.is_slow
            or self._reader.is_short
            or self._exchange.depth >= DEPTH_LIMIT
            or (relay is not None and relay.machine.holds_back)
        )
        if blocked and self._reading:
            self._reading = False
            self.transport.pause_reading()
        elif not blocked and not self._reading:
            self._reading = True
            self.transport.resume_reading()

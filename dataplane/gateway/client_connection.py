"""One client connection: its requests in, its answers out, and the broker connection behind it.

The broker connection belongs to an epoch of the scope and is exchanged at a switch; this one stays.
Requests wait here while the scope is closed; reading pauses meanwhile, so a client can make the
gateway hold no more than what it had already sent.
"""

import asyncio
from time import monotonic
from typing import cast

import structlog

from dataplane.gateway.authentication import FOR_EVER, RENEWAL, Authentication, AuthenticationOver
from dataplane.gateway.exchange import Exchange, Request
from dataplane.gateway.frames import LENGTH, Frame, FrameLimitError, FrameReader
from dataplane.gateway.outgoing import append_framed, write
from dataplane.gateway.refusing import Refusing
from dataplane.gateway.services import Services
from dataplane.gateway.tenant import Tenant
from dataplane.gateway.throttle import Mute, charge_read, charge_write
from dataplane.gateway.upstream_connection import UpstreamConnection
from dataplane.virtual.apis import APIS, REQUEST_TIMED_OUT, Treatment
from dataplane.virtual.division import Ruling
from dataplane.virtual.programs import request_program, response_program
from dataplane.virtual.refusals import denial
from dataplane.virtual.topics import CHANGE_TOPICS
from dataplane.virtual.view import View
from dataplane.wire.errors import MalformedFrameError, ReadOnlyTopicError, RefusedRequestError
from dataplane.wire.header import peek

UNAUTHENTICATED_LIMIT = 512 * 1024
"""Bytes of a frame before authentication (Kafka: `sasl.server.max.receive.size`)."""

AUTHENTICATED_LIMIT = 100 * 1024 * 1024
"""Bytes of a frame after it (Kafka: `socket.request.max.bytes`)."""

DEPTH_LIMIT = 256
"""Unanswered requests at which reading pauses."""

CLOSE_LIMIT = 5.0
"""Seconds that a client may take to read the last answers of a connection that ends."""

PRODUCE = 0

log = structlog.get_logger()


class ClientConnection(asyncio.BufferedProtocol):
    """A Kafka client's connection to one slot's port."""

    def __init__(self, services: Services, slot: int) -> None:
        """Wait for a client on the port of a slot."""
        self._services = services
        self._lease = services.lease
        self.slot = slot
        self.connected_at = monotonic()
        self.tenant: Tenant | None = None
        self.session_ends = FOR_EVER
        self._authentication = Authentication(services, self._authenticated_late)
        self._reader = FrameReader(UNAUTHENTICATED_LIMIT)
        self._exchange = Exchange()
        self._refusing = Refusing(self._exchange, services.write_order, self.close)
        self._upstream: UpstreamConnection | None = None
        self._dialing = False
        self._draining = False
        self._reading = True
        self._client_slow = False
        self._broker_slow = False
        self._mute = Mute(self._unmuted)
        self._peer = ""
        self.transport: asyncio.Transport

    # --- the client's socket -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        peer = transport.get_extra_info("peername")
        self._peer = f"{peer[0]}:{peer[1]}" if peer else "unknown"
        self._services.connections.add(self)
        self._services.counters.connections_opened += 1
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
        except (FrameLimitError, MalformedFrameError) as error:
            self.close(str(error))
            return
        except AuthenticationOver as over:
            self._flush()
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
        self._services.counters.connections_closed += 1
        if exc is not None:
            log.info("client connection lost", peer=self._peer, error=str(exc))
        self._mute.cancel()
        if self.tenant is not None:
            self.tenant.account.connections -= 1
            self.tenant.scope.members.discard(self)
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.let_go()

    def pause_writing(self) -> None:
        """The client is slow: let the broker wait."""
        self._client_slow = True
        self._pace_broker()
        self._read_or_pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._client_slow = False
        self._pace_broker()
        self._read_or_pause()

    def close(self, reason: str) -> None:
        """End the connection, with one line in the log that says why."""
        if self.transport.is_closing():
            return
        user = self.tenant.user if self.tenant else None
        log.warning("client connection closed", peer=self._peer, user=user, reason=reason)
        self._end()

    def _end(self) -> None:
        """Close as soon as the last answer has left, or after the limit."""
        self.transport.close()
        if self.transport.get_write_buffer_size() > 0:
            asyncio.get_running_loop().call_later(CLOSE_LIMIT, self.transport.abort)

    # --- requests in ---------------------------------------------------------------------------

    def _admit(self, frame: Frame, now: float) -> None:
        """Queue one request, with its answer if the gateway gives it."""
        if self.tenant is None:
            self._authenticate(frame, now)
            return
        header = peek(frame)
        if now >= self.session_ends and header.api_key not in RENEWAL:
            raise AuthenticationOver("its session is over, and it did not authenticate again")
        api = APIS.get(header.api_key)
        if api is None or api.treatment is Treatment.REFUSE:
            name = api.name if api else f"API key {header.api_key}"
            raise MalformedFrameError(f"{name} is not offered")
        self._services.counters.requests[header.api_key] += 1
        request = Request(api, header, frame, now)
        if api.treatment is Treatment.ANSWER:
            request.answer = self._authentication.answer(request)
            self.session_ends = self._authentication.session_ends
        elif not api.serves(header.version):
            raise MalformedFrameError(f"{api.name} version {header.version} is not offered")
        elif api.treatment is Treatment.DENY:
            request.answer = [denial(frame)]
        self._exchange.ask(request)
        if self._authentication.failure is not None:
            raise AuthenticationOver(self._authentication.failure)

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
            self._flush()
            self.close(over.reason)
            return
        self._go_on(monotonic())

    def _adopt_authentication(self) -> None:
        if self._authentication.failure is not None:
            raise AuthenticationOver(self._authentication.failure)
        self.session_ends = self._authentication.session_ends
        if self.tenant is None and self._authentication.tenant is not None:
            self.tenant = self._authentication.tenant
            self.tenant.account.connections += 1
            self.tenant.scope.members.add(self)
            self._refusing.vcluster = self.tenant.vcluster.name
            self._reader.limit = AUTHENTICATED_LIMIT
            self._reader.trusts_lengths = True

    def _go_on(self, now: float) -> None:
        """Send what waits, if the door is open; relay what is answered; then read on."""
        if self._exchange.waiting:
            if self._may_send(now):
                self._send_waiting()
            else:
                self._connect_if_open(now)
        self._flush()
        self._read_or_pause()

    def _may_send(self, now: float) -> bool:
        tenant = self.tenant
        return (
            self._upstream is not None
            and not self._draining
            and not self._mute.is_on
            and tenant is not None
            and tenant.scope.is_open
            and now < self._lease.deadline
        )

    def _send_waiting(self) -> None:
        upstream, tenant, exchange = self._upstream, self.tenant, self._exchange
        assert upstream is not None  # noqa: S101 - asked by _may_send
        assert tenant is not None  # noqa: S101 - asked by _may_send
        out: list[Frame] = []
        view, meter = tenant.view, tenant.account.meter
        while (request := exchange.next_waiting()) is not None:
            pieces = self._rewritten(request, tenant, view)
            if pieces is None:
                if self.transport.is_closing():
                    return
                continue
            append_framed(out, pieces)
            if request.api.key == PRODUCE and request.fact == 0:
                exchange.forget(request)
            else:
                exchange.sent(request)
            if meter is not None and self._is_muted(charge_write(request, meter, monotonic())):
                break
        if out:
            self._services.counters.batches += 1
            write(upstream.transport, out)

    def _rewritten(self, request: Request, tenant: Tenant, view: View) -> list[Frame] | None:
        """What a broker gets of a request; None if it got its answer, or ended the connection."""
        key = request.api.key
        try:
            if self._refusing.comes_too_early(request):
                self._refusing.put_off(request, request.api.busy_error)
                return None
            if key not in tenant.account.rights.judged:
                try:
                    program = request_program(key, request.header.version)
                    pieces, request.fact = program(request.frame, view)
                except ReadOnlyTopicError:
                    return self._look_into(request, tenant)
                return pieces
            return self._look_into(request, tenant)
        except RefusedRequestError as refused:
            self._refusing.refuse(request, refused.error_code, refused.reason)
        except MalformedFrameError as error:
            self._refusing.close_at(request, error)
        return None

    def _look_into(self, request: Request, tenant: Tenant) -> list[Frame] | None:
        """What a broker gets of a request that not everybody may make; None if nothing."""
        frame, version = request.frame, request.header.version
        ruling = request.ruling = self._services.judge(tenant, frame)
        if ruling is not None:
            if ruling.frame is None:
                self._refusing.settle(request, ruling.answer)
                return None
            frame, version = ruling.frame, ruling.version
        pieces, request.fact = request_program(request.api.key, version)(frame, tenant.view)
        return pieces

    def _connect_if_open(self, now: float) -> None:
        tenant = self.tenant
        if tenant is None or self._upstream is not None or self._dialing:
            return
        if tenant.scope.is_open and now < self._lease.deadline:
            self._dialing = True
            self._services.dial(self, tenant.scope)

    def refuse_overdue(self, before: float) -> None:
        """Answer what waits since before a monotonic second with a retriable error."""
        if self._mute.is_on:
            return
        for request in self._exchange.overdue(before):
            self._services.counters.held_too_long += 1
            self._refusing.put_off(request, request.api.busy_error)
        self._flush()
        self._read_or_pause()

    # --- answers out ---------------------------------------------------------------------------

    def answers_received(self, upstream: UpstreamConnection, frames: list[Frame]) -> None:
        """Relay a broker's answers, unless the lease ran out meanwhile (rule N3)."""
        now = monotonic()
        tenant = self.tenant
        if upstream is not self._upstream or tenant is None:
            return
        if now >= self._lease.deadline:
            self._services.lease_lapsed()
            return
        try:
            for frame in frames:
                self._take_answer(frame, tenant, now)
        except MalformedFrameError as error:
            self.close(f"the broker's answer cannot be read: {error}")
            return
        if self._draining:
            self._flush()
            self._let_go_if_drained()
        else:
            self._go_on(now)

    def _take_answer(self, frame: Frame, tenant: Tenant, now: float) -> None:
        if len(frame) < LENGTH.size:
            raise MalformedFrameError(f"an answer of {len(frame)} bytes has no correlation id")
        request = self._exchange.next_sent()
        (correlation_id,) = LENGTH.unpack_from(frame, 0)
        if request is None or request.header.correlation_id != correlation_id:
            raise MalformedFrameError(f"correlation id {correlation_id} was not asked for")
        if request.ruling is None:
            program = response_program(request.api.key, request.header.version)
            request.answer = program(frame, tenant.view, request.fact)
        else:
            request.answer = _finished(request, request.ruling, frame, tenant)
        if tenant.account.meter is not None:
            self._is_muted(charge_read(request, tenant.account.meter, now))
        if not request.api.repeatable:
            tenant.scope.write_acknowledged(now)
        if request.api.key in CHANGE_TOPICS:
            self._services.topics_changed(tenant, request)

    def _is_muted(self, seconds: float) -> bool:
        """Listen to the client no more for so long, if it is any time at all."""
        if seconds > 0:
            self._services.counters.throttled += 1
            self._mute.turn_on(seconds)
        return seconds > 0

    def _unmuted(self) -> None:
        self._go_on(monotonic())

    def _flush(self) -> None:
        """Send the answers whose turn it is."""
        out: list[Frame] = []
        for request in self._exchange.answered():
            append_framed(out, request.answer or [])
        if out:
            write(self.transport, out)

    def _read_or_pause(self) -> None:
        """Read on only if what was read can go on: back-pressure is all there is."""
        blocked = (
            self._broker_slow
            or self._client_slow
            or self._mute.is_on
            or self._exchange.depth >= DEPTH_LIMIT
            or (self.tenant is not None and self._exchange.waiting > 0)
        )
        if blocked and self._reading:
            self._reading = False
            self.transport.pause_reading()
        elif not blocked and not self._reading:
            self._reading = True
            self.transport.resume_reading()

    # --- the broker connection behind ----------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Requests that are held."""
        return self._exchange.waiting

    @property
    def in_flight(self) -> int:
        """Requests that a broker has and has not answered."""
        return self._exchange.in_flight

    def upstream_opened(self, upstream: UpstreamConnection) -> None:
        """A broker is connected; it is of use only if the scope is still where it was."""
        self._dialing = False
        tenant = self.tenant
        if tenant is None or self.transport.is_closing() or not tenant.scope.is_at(upstream.epoch):
            upstream.transport.abort()
            self._go_on(monotonic())
            return
        self._upstream = upstream
        self._pace_broker()
        self._go_on(monotonic())

    def dial_abandoned(self) -> None:
        """The scope was closed while a broker was being dialled: ask again when it opens."""
        self._dialing = False
        self._go_on(monotonic())

    def upstream_failed(self, reason: str) -> None:
        """No broker could be reached: end the connection, as the dead broker itself would."""
        self._dialing = False
        self.close(reason)

    def upstream_lost(self, upstream: UpstreamConnection) -> None:
        """The broker connection is gone. If nobody meant it to, the client's goes too."""
        if self.tenant is not None:
            self.tenant.scope.upstream_closed(upstream.transport)
        if upstream is self._upstream:
            self._release()
            self.close("the broker closed its connection")

    def upstream_writable(self, upstream: UpstreamConnection, *, writable: bool) -> None:
        """Stop reading from the client while the broker does not keep up."""
        if upstream is self._upstream:
            self._broker_slow = not writable
            self._read_or_pause()

    def _pace_broker(self) -> None:
        """Let the broker wait for a slow client, but never a fence for its last answers."""
        if self._upstream is None:
            return
        if self._client_slow and not self._draining:
            self._upstream.transport.pause_reading()
        else:
            self._upstream.transport.resume_reading()

    def serve(self) -> None:
        """The scope is open: send what waits."""
        self._draining = False
        self._services.counters.requests_held += self._exchange.waiting
        self._pace_broker()
        self._go_on(monotonic())

    def fence(self) -> None:
        """The scope is closed: let go of the broker once the writes that it has are answered."""
        self._draining = True
        self._pace_broker()
        self._let_go_if_drained()

    def renew_upstream(self, now: float) -> None:
        """Exchange a broker connection whose session ends, as soon as no write is in flight."""
        if self._upstream is not None and now >= self._upstream.renew_at and not self._draining:
            self.fence()

    def drop(self) -> int:
        """Let go of the broker at once; how many writes now have an unknown outcome."""
        self._draining = False
        upstream = self._release()
        if upstream is None:
            return 0
        upstream.transport.abort()
        lost = self._exchange.recall()
        for request in lost:
            code = REQUEST_TIMED_OUT if request.api.key == PRODUCE else request.api.busy_error
            self._refusing.put_off(request, code)
        self._services.counters.writes_cut += len(lost)
        self._flush()
        self._read_or_pause()
        return len(lost)

    def _let_go_if_drained(self) -> None:
        if self._upstream is None or self._exchange.writes_in_flight:
            return
        self._draining = False
        self._exchange.recall()
        self._upstream.let_go()
        self._release()
        if self._exchange.waiting:
            self._connect_if_open(monotonic())
        self._read_or_pause()

    def _release(self) -> UpstreamConnection | None:
        """Have no broker; returns the one that there was."""
        upstream, self._upstream = self._upstream, None
        self._broker_slow = False
        return upstream


def _finished(request: Request, ruling: Ruling, frame: Frame, tenant: Tenant) -> list[Frame]:
    """The client's answer to a request that went on in another shape than the client's."""
    program = response_program(request.api.key, ruling.version)
    answer = program(frame, tenant.view, request.fact)
    return answer if ruling.finish is None else [ruling.finish(b"".join(answer))]

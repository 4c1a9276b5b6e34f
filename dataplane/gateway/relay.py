"""Between one client and its broker: requests to the broker, answers back, and the way held closed.

The broker connection belongs to an epoch of the scope and is exchanged at a switch; the client's
stays. Requests wait here while the scope is closed.
"""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Final, Protocol

from dataplane.gateway.accounts import UNSETTLED
from dataplane.gateway.frames import LENGTH, Frame
from dataplane.gateway.hanging_up import nobody_waits
from dataplane.gateway.inventory import Sighting
from dataplane.gateway.memory_pool import MemoryPool
from dataplane.gateway.outgoing import append_framed, write
from dataplane.gateway.parking import Parking
from dataplane.gateway.refusing import Refusing
from dataplane.gateway.rewriting import Rewriting
from dataplane.gateway.services import Services
from dataplane.gateway.tenant import Tenant
from dataplane.gateway.throttle import Mute, charge_read, charge_write
from dataplane.gateway.unheard import MOST_UNHEARD, UnheardChanges, unknown
from dataplane.gateway.upstream_connection import UpstreamConnection
from dataplane.relay.exchange import Exchange, Request
from dataplane.relay.machine import RELAY, Outcome, RelayMachine
from dataplane.relay.upstream_state import RelayOrder, UpstreamState
from dataplane.virtual.apis import REQUEST_TIMED_OUT
from dataplane.virtual.programs import response_program
from dataplane.virtual.topics import CHANGE_TOPICS
from dataplane.wire.errors import MalformedFrameError

_ANSWER: Final = RelayOrder.ANSWER
_SEND: Final = RelayOrder.SEND
"""Of all orders these come with every frame: see `machine` for what to look one up costs."""

PRODUCE = 0
FETCH = 1


class ClientSide(Protocol):
    """The client's connection, as its relay sees it."""

    transport: asyncio.Transport
    slot: int
    sighting: Sighting
    """Where its account and library are counted."""
    is_slow: bool
    """Whether the client does not take its answers as fast as they come."""
    pool: MemoryPool
    """Where the memory for its large frames comes from, and for those that it is answered."""

    def send_answers(self) -> None:
        """Send the answers whose turn it is."""

    def read_or_pause(self) -> None:
        """Read on only if what was read can go on."""

    def close(self, reason: str) -> None:
        """End the connection."""


class Relay:
    """Relays the requests of a client that has logged in."""

    def __init__(
        self, services: Services, tenant: Tenant, exchange: Exchange, client: ClientSide
    ) -> None:
        """Share the client's requests; a broker is dialled with the first one."""
        self.tenant = tenant
        self.slot = client.slot
        self.sighting = client.sighting
        self.mute = Mute(self._unmuted)
        self.machine: RelayMachine[UpstreamConnection] = RelayMachine(
            exchange, tenant.scope, services.lease
        )
        self._services = services
        self._exchange = exchange
        self._client = client
        self._refusing = Refusing(exchange, services.write_order, tenant, client.close)
        self._parking = Parking(exchange, self._refusing, tenant, self)
        self._rewriting = Rewriting(
            services,
            tenant,
            self._refusing,
            self._parking,
            self.sighting,
            found_out=self._found_out,
        )
        self._tally = tenant.tally
        self._tally.connections += 1
        tenant.account.relays.add(self)
        tenant.scope.members.add(self)
        tenant.account.settle(monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the client is going."""
        return self._client.transport.is_closing()

    @property
    def pool(self) -> MemoryPool:
        """Where the memory for large answers comes from."""
        return self._client.pool

    @property
    def waiting(self) -> int:
        """Requests that are held."""
        return self._exchange.waiting

    @property
    def parked(self) -> int:
        """Requests that wait for the end of a switch, out of the way of the others."""
        return len(self._parking)

    @property
    def in_flight(self) -> int:
        """Requests that a broker has and has not answered."""
        return self._exchange.in_flight

    def end(self) -> None:
        """The client is gone; so is what it waited for."""
        self._tally.connections -= 1
        self.sighting.connections -= 1
        self.mute.cancel()
        self._services.memory.gone(self)
        self._parking.discard()
        self.tenant.account.relays.discard(self)
        self.tenant.scope.members.discard(self)
        self.tenant.scope.roster.gone(self)
        self.tenant.scope.transactions.gone(self, monotonic())
        outcome = self.machine.ended()
        if RelayOrder.HAND_OVER not in outcome.orders:
            self.tenant.scope.topics_under_way.gone(self)
        self._obey(outcome)

    # --- the machine's orders --------------------------------------------------------------------

    def _obey(self, outcome: Outcome[UpstreamConnection]) -> None:
        for order in outcome.orders:
            if order is _ANSWER:
                self._client.send_answers()
                self._client.read_or_pause()
            elif order is _SEND:
                self._send_waiting()
            else:
                self._carry_out(order, outcome)

    def _carry_out(self, order: RelayOrder, outcome: Outcome[UpstreamConnection]) -> None:
        """Those that are rare."""
        match order:
            case RelayOrder.PUT_OFF:
                self._put_off(outcome.lost)
            case RelayOrder.TELL_LAPSE:
                self._services.lease_lapsed()
            case RelayOrder.CUT_OFF:
                self.tenant.scope.cut_off(self)
            case RelayOrder.HAND_OVER:
                self._hand_over(outcome)
            case RelayOrder.CLOSE:
                self._client.close(outcome.reason)
            case RelayOrder.HANG_UP:
                self._services.counters.held_in_vain += self._exchange.waiting
                self._client.transport.abort()
            case _:
                self._exchange_broker(order, outcome.upstream)

    def _exchange_broker(self, order: RelayOrder, upstream: UpstreamConnection | None) -> None:
        if order is RelayOrder.DIAL:
            self._services.dial(self, self.tenant.scope)
        elif order is RelayOrder.PACE:
            self.pace_broker()
        elif upstream is not None and order is RelayOrder.LET_GO:
            upstream.let_go()
        elif upstream is not None and order is RelayOrder.ABORT:
            upstream.transport.abort()

    def _hand_over(self, outcome: Outcome[UpstreamConnection]) -> None:
        """Hear what the broker does to topics, for as many clients of an account as may be."""
        upstream = outcome.upstream
        assert upstream is not None  # noqa: S101 - the machine had one when the client went
        if self.tenant.account.unheard < MOST_UNHEARD:
            UnheardChanges(self._services, self.tenant, self, upstream, outcome.lost)
            return
        self.tenant.scope.topics_under_way.gone(self)
        unknown(self._services, self.tenant)
        upstream.let_go()

    # --- requests to the broker ----------------------------------------------------------------

    def go_on(self, now: float) -> None:
        """Send what waits, if the door is open; hand over what is answered; then read on."""
        self._obey(self.machine.go_on(now))

    def _send_waiting(self) -> None:
        upstream, tenant, exchange = self.machine.upstream, self.tenant, self._exchange
        assert upstream is not None  # noqa: S101 - the machine has one when it orders to send
        out: list[Frame] = []
        now, view, account, meter = monotonic(), tenant.view, tenant.account, tenant.account.meter
        while (request := exchange.next_waiting()) is not None:
            pieces = self._rewriting.pieces_of(request, view)
            if pieces is None:
                if self.is_over:
                    return
                if account.effort >= UNSETTLED and account.settle(monotonic()):
                    break
                continue
            request.view = view
            append_framed(out, pieces)
            if request.api.key == PRODUCE and request.fact == 0:
                exchange.forget(request)
                self._tally.of(PRODUCE).unanswered(len(request.frame), now - request.received_at)
            else:
                request.sent_at = now
                exchange.sent(request)
            if meter is not None and self.mute_for(charge_write(request, meter, monotonic())):
                break
            if account.effort >= UNSETTLED and account.settle(monotonic()):
                break
        if out:
            self.sighting.seen_at = now
            self._services.counters.batches += 1
            write(upstream.transport, out)

    def _found_out(self, request: Request) -> None:
        """Its cluster has told what a request waited for."""
        now = monotonic()
        if self._parking.take_back(request, now):
            self.go_on(now)

    def refuse_overdue(self, before: float) -> None:
        """Answer what waits since before a monotonic second with a retriable error."""
        if self.machine.is_muted:
            return
        for request in self._exchange.overdue(before):
            self._services.counters.held_too_long += 1
            self._refusing.put_off(request, request.api.busy_error)
        self.charge(0)
        self._client.send_answers()
        self._client.read_or_pause()

    def answer_parked(self, now: float) -> None:
        """Answer what has been parked for as long as its client can wait."""
        self._parking.answer_overdue(now)
        self.charge(0)
        self._client.send_answers()

    # --- answers to the client ------------------------------------------------------------------

    def answers_received(self, upstream: UpstreamConnection, frames: list[Frame]) -> None:
        """Relay a broker's answers, unless the lease ran out meanwhile (rule N3)."""
        now = monotonic()
        outcome = self.machine.answers_came(upstream, now)
        if outcome is RELAY:
            try:
                for frame in frames:
                    self._take_answer(frame, now)
            except MalformedFrameError as error:
                self._client.close(f"the broker's answer cannot be read: {error}")
                return
            outcome = self.machine.answers_relayed(now)
        self._obey(outcome)

    def _take_answer(self, frame: Frame, now: float) -> None:
        if len(frame) < LENGTH.size:
            raise MalformedFrameError(f"an answer of {len(frame)} bytes has no correlation id")
        (correlation_id,) = LENGTH.unpack_from(frame, 0)
        request = self.machine.request_of(correlation_id)
        tenant, ruling, view = self.tenant, request.ruling, request.view
        assert view is not None  # noqa: S101 - it was written by one
        key, version, _ = request.header
        if key in tenant.scope.watched and (
            instead := self._parking.instead_of(frame, request, now)
        ):
            request.answer = [instead]
        elif ruling is None:
            program = response_program(key, version, view.is_numbered)
            request.answer = program(frame, view, request.fact)
        else:
            program = response_program(key, ruling.version, view.is_numbered)
            answer = program(frame, view, request.fact)
            request.answer = answer if ruling.finish is None else [ruling.finish(b"".join(answer))]
        before, at_broker = request.sent_at - request.received_at, now - request.sent_at
        self._tally.of(key).answered(len(request.frame), len(frame), before, at_broker)
        account = tenant.account
        if key != FETCH:  # whose partitions were counted when it asked for them
            account.effort += len(frame) >> 4
        if account.effort >= UNSETTLED:
            account.settle(now)
        if account.meter is not None:
            self.mute_for(charge_read(request, account.meter, now))
        if tenant.scope.released_at is not None and not request.api.repeatable:
            tenant.scope.write_acknowledged(now)
        if key in CHANGE_TOPICS:
            self._services.topics_changed(tenant, request)

    def charge(self, elements: int) -> None:
        """Count what was looked at for the client without sending it on."""
        account = self.tenant.account
        account.effort += elements
        if account.effort >= UNSETTLED:
            account.settle(monotonic())

    def mute_for(self, seconds: float) -> bool:
        """Listen to the client no more for so long, if it is any time at all."""
        if seconds > 0:
            self._services.counters.throttled += 1
            self._tally.throttled += 1
            self._tally.throttled_s += seconds
            self.machine.is_muted = True
            self.mute.turn_on(seconds)
            self._client.read_or_pause()
        return seconds > 0

    def _unmuted(self) -> None:
        self.machine.is_muted = False
        self.go_on(monotonic())

    # --- the broker connection ------------------------------------------------------------------

    def upstream_opened(self, upstream: UpstreamConnection) -> None:
        """A broker is connected; it is of use only if the scope is still where it was."""
        upstream.reader.pool = self._client.pool
        now, wanted = monotonic(), not self.is_over
        self._obey(self.machine.upstream_opened(upstream, upstream.epoch, now, wanted=wanted))

    def dial_abandoned(self) -> None:
        """The scope was closed while a broker was being dialled: ask again when it opens."""
        self._obey(self.machine.dial_abandoned(monotonic()))

    def upstream_failed(self, reason: str) -> None:
        """No broker could be reached: end the connection, as the dead broker itself would."""
        self._obey(self.machine.dial_failed(reason))

    def upstream_lost(self, upstream: UpstreamConnection) -> None:
        """The broker connection is gone. If nobody meant it to, the client's goes too."""
        self.tenant.scope.upstream_closed(upstream.transport)
        self._obey(self.machine.upstream_lost(upstream))

    def upstream_writable(self, upstream: UpstreamConnection, *, writable: bool) -> None:
        """Stop reading from the client while the broker does not keep up."""
        self._obey(self.machine.upstream_writable(upstream, writable=writable))

    def short_of_memory(self, upstream: UpstreamConnection) -> None:
        """Let the broker wait until there is memory for its answer."""
        if upstream is self.machine.upstream:
            self._services.memory.wait(self, monotonic())
            self.pace_broker()

    def take_memory(self) -> bool:
        """Let the broker go on if there is memory for its answer now; whether there is."""
        upstream = self.machine.upstream
        if upstream is not None and not upstream.reader.take_memory():
            return False
        self.pace_broker()
        return True

    def pace_broker(self) -> None:
        """Let the broker wait for a slow client or for memory, a fence never for last answers."""
        upstream = self.machine.upstream
        if upstream is None:
            return
        if self.machine.state is UpstreamState.DRAINING:
            upstream.reader.take_memory(at_any_rate=True)
            upstream.transport.resume_reading()
        elif self._client.is_slow or upstream.reader.is_short:
            upstream.transport.pause_reading()
        else:
            upstream.transport.resume_reading()

    def serve(self) -> None:
        """The scope is open: send what waits, if anybody waits for it."""
        held = self._exchange.waiting
        wanted = not (held and nobody_waits(self._client.transport, self._exchange.held()))
        now = monotonic()
        if wanted:
            self._parking.release(now)
            self._services.counters.requests_held += self._exchange.waiting
            self._tally.held += self._exchange.waiting
        self._obey(self.machine.served(now, wanted=wanted))

    def fence(self) -> None:
        """The scope is closed: let go of the broker once the writes that it has are answered."""
        self._obey(self.machine.fenced(monotonic()))

    def renew_upstream(self, now: float) -> None:
        """Exchange a broker connection whose session ends, as soon as no write is in flight."""
        upstream = self.machine.upstream
        if upstream is not None and now >= upstream.renew_at:
            self._obey(self.machine.session_expires(now))

    def drop(self) -> int:
        """Let go of the broker at once; how many writes now have an unknown outcome."""
        outcome = self.machine.dropped()
        self._obey(outcome)
        return len(outcome.lost)

    def _put_off(self, lost: Iterable[Request]) -> None:
        """Have the client send again what may have happened or not."""
        for request in lost:
            code = REQUEST_TIMED_OUT if request.api.key == PRODUCE else request.api.busy_error
            self._refusing.put_off(request, code)
            self._services.counters.writes_cut += 1

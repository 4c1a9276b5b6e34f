"""The requests of one client connection that no broker is to see: each is answered with an error.

A write that is put off with a retriable error has to come again before later ones of its producer;
which those are, the whole node remembers (`write_order`).
"""

from collections.abc import Callable
from time import monotonic

from dataplane.gateway.tenant import Tenant
from dataplane.gateway.write_order import WriteOrder
from dataplane.relay.exchange import Exchange, Request
from dataplane.virtual import refusals
from dataplane.virtual.messages import elements_by_hand
from dataplane.wire.errors import MalformedFrameError

PRODUCE = 0


class Refusing:
    """Answers in the place of a broker."""

    def __init__(
        self,
        exchange: Exchange,
        write_order: WriteOrder,
        tenant: Tenant,
        close: Callable[[str], None],
    ) -> None:
        """Share the connection's requests; `close` ends it, for the reason given."""
        self._exchange = exchange
        self._write_order = write_order
        self._close = close
        self._tenant = tenant
        self._account = tenant.account

    def comes_too_early(self, request: Request) -> bool:
        """Whether a write has to wait for one that was put off. Raises MalformedFrameError."""
        return not self._write_order.may_go(self._tenant.view, request.frame)

    def put_off(self, request: Request, error_code: int) -> None:
        """Refuse what the client is to send again; a write before all later ones."""
        try:
            if request.api.key == PRODUCE:
                self._write_order.refused(self._tenant.view, request.frame, monotonic())
        except MalformedFrameError as error:
            self.close_at(request, error)
            return
        self.refuse(request, error_code)

    def refuse(self, request: Request, error_code: int, reason: str | None = None) -> None:
        """Answer with an error; where none is expected, close the connection, as Kafka does."""
        try:
            answer = refusals.refusal(request.frame, error_code, reason)
        except MalformedFrameError as error:
            self.close_at(request, error)
            return
        self._tenant.tally.of(request.api.key).refuse(error_code)
        self._count(request, answer)
        if answer is not None:
            request.answer = [answer]
        else:
            self._exchange.forget(request)
            self._close(f"{request.api.name} with acks=0 could not be sent (error {error_code})")

    def settle(self, request: Request, answer: bytes | None) -> None:
        """Give the whole answer; without one end the connection, as Kafka does."""
        self._count(request, answer)
        if answer is not None:
            request.answer = [answer]
            return
        self._exchange.forget(request)
        self._close(f"{request.api.name} with acks=0 is not allowed")

    def _count(self, request: Request, answer: bytes | None) -> None:
        """Have the account pay for what was read and answered by hand."""
        if request.api.key == PRODUCE:
            self._account.effort += len(answer or b"")  # a dozen bytes for each partition
        else:
            self._account.effort += elements_by_hand(request.frame)

    def close_at(self, request: Request, error: MalformedFrameError) -> None:
        """End the connection over a request that cannot be read."""
        self._close(f"{request.api.name} version {request.header.version}: {error}")

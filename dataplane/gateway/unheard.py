"""Answers to changes of topics whose client has hung up: nobody hears them but the control plane.

Without them it would find a topic gone, or made, and not know by whom: a planned switch would be
refused by the name of a topic that its own tenant has deleted.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from time import monotonic
from typing import Final

import structlog

from dataplane.gateway.frames import LENGTH, Frame
from dataplane.gateway.services import Services
from dataplane.gateway.tenant import Tenant
from dataplane.gateway.upstream_connection import UpstreamConnection
from dataplane.relay.exchange import Request
from dataplane.virtual.programs import response_program
from dataplane.virtual.topics import CHANGE_TOPICS
from dataplane.wire.errors import MalformedFrameError

UNHEARD_LIMIT = 5.0
"""Seconds for which a broker may take its time once the client has gone."""

MOST_UNHEARD: Final = 16
"""Broker connections of one account that are kept for it at a time."""

log = structlog.get_logger()


class UnheardChanges:
    """Keeps one broker connection until it has said what it did to topics, and lets it go."""

    def __init__(
        self,
        services: Services,
        tenant: Tenant,
        asked_by: object,
        upstream: UpstreamConnection,
        sent: Iterable[Request],
    ) -> None:
        """Take the broker connection over; `sent` is what it is to answer, in that order."""
        self._services = services
        self._tenant = tenant
        self._asked_by = asked_by
        self._upstream = upstream
        self._sent = deque(
            (one.header.correlation_id, one if one.api.key in CHANGE_TOPICS else None)
            for one in sent
        )
        """Correlation ids; of what changes no topics nothing else is kept."""
        self.pool = upstream.reader.pool
        """The client's own: an answer may have come in part."""
        tenant.account.unheard += 1
        upstream.owner = self
        self._limit = asyncio.get_running_loop().call_later(UNHEARD_LIMIT, self._give_up)
        if upstream.reader.is_short:
            self.short_of_memory(upstream)
        else:
            upstream.transport.resume_reading()

    def answers_received(self, upstream: UpstreamConnection, frames: list[Frame]) -> None:
        """Tell what was changed; an answer that came when the lease was over tells nothing (N3)."""
        if upstream.transport.is_closing():
            return
        if monotonic() >= self._services.lease.deadline:
            self._give_up()
            return
        try:
            for frame in frames:
                self._take_answer(frame)
        except MalformedFrameError:
            self._give_up()
            return
        if not self._sent:
            upstream.let_go()

    def _take_answer(self, frame: Frame) -> None:
        if not self._sent:
            return  # to what was sent after the last change
        expected, request = self._sent[0]
        if len(frame) < LENGTH.size or LENGTH.unpack_from(frame, 0)[0] != expected:
            raise MalformedFrameError(f"this is no answer to the request {expected}")
        if request is not None:
            self._tell(request, frame)
        self._sent.popleft()

    def _tell(self, request: Request, frame: Frame) -> None:
        ruling, view, header = request.ruling, request.view, request.header
        assert view is not None  # noqa: S101 - it was written by one
        version = header.version if ruling is None else ruling.version
        program = response_program(header.api_key, version, view.is_numbered)
        request.answer = program(frame, view, request.fact)
        if ruling is not None and ruling.finish is not None:
            request.answer = [ruling.finish(b"".join(request.answer))]
        self._services.topics_changed(self._tenant, request)
        self._services.counters.unheard_told += 1

    def short_of_memory(self, upstream: UpstreamConnection) -> None:
        """Let the broker wait until there is memory for its answer."""
        self._services.memory.wait(self, monotonic())
        upstream.transport.pause_reading()

    def take_memory(self) -> bool:
        """Let the broker go on if there is memory for its answer now; whether there is."""
        if self._upstream.transport.is_closing():
            return True
        if not self._upstream.reader.take_memory():
            return False
        self._upstream.transport.resume_reading()
        return True

    def upstream_writable(self, upstream: UpstreamConnection, *, writable: bool) -> None:
        """Nothing more is written."""

    def upstream_lost(self, upstream: UpstreamConnection) -> None:
        """It is over: what was not answered is seen on the cluster alone."""
        self._limit.cancel()
        self._services.memory.gone(self)
        self._tenant.account.unheard -= 1
        scope = self._tenant.scope
        scope.topics_under_way.gone(self._asked_by)
        scope.upstream_closed(upstream.transport)
        if self._sent:
            unknown(self._services, self._tenant)

    def _give_up(self) -> None:
        self._upstream.transport.abort()


def unknown(services: Services, tenant: Tenant) -> None:
    """Say that nobody knows what became of a change of topics that a client asked for."""
    services.counters.unheard_unknown += 1
    log.warning(
        "a client hung up on a change of topics, and its outcome is unknown: the control plane"
        " will see on the cluster which topics there are",
        vcluster=tenant.vcluster.name,
        user=tenant.user,
    )

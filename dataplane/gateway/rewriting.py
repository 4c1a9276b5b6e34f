"""What a broker gets of a client's request, or what its client is told in the place of that.

In this order: a write whose place is not yet, a producer as the cluster knows it, what waits for
the end of a switch, and the request's program. What the account may not simply do, or what the
cluster before had appended, is looked into first.
"""

from dataclasses import replace
from time import monotonic

from dataplane.gateway.frames import Frame
from dataplane.gateway.parking import Parking
from dataplane.gateway.protocol_types import ProtocolTypes
from dataplane.gateway.refusing import PRODUCE, Refusing
from dataplane.gateway.services import Services
from dataplane.gateway.tenant import Tenant
from dataplane.relay.exchange import Request
from dataplane.virtual.division import Ruling, followed
from dataplane.virtual.heads import JOIN_GROUP, SYNC_GROUP
from dataplane.virtual.last_writes import NOTHING_WRITTEN, RepeatedWriteError
from dataplane.virtual.messages import elements_by_hand
from dataplane.virtual.producer_ids import TransactionalWriteError
from dataplane.virtual.programs import request_program
from dataplane.virtual.repetitions import without_repetitions
from dataplane.virtual.transactional_writes import with_real_writes
from dataplane.virtual.transactions import NAMES_PRODUCER, with_real_producer
from dataplane.virtual.view import View
from dataplane.wire.errors import MalformedFrameError, ReadOnlyTopicError, RefusedRequestError


class Rewriting:
    """The requests of one client connection on their way to a broker."""

    def __init__(
        self, services: Services, tenant: Tenant, refusing: Refusing, parking: Parking
    ) -> None:
        """What does not go on is answered by `refusing`, or waits in `parking`."""
        self._services = services
        self._tenant = tenant
        self._account = tenant.account
        self._scope = tenant.scope
        self._refusing = refusing
        self._parking = parking
        self._protocol_types = ProtocolTypes()

    def pieces_of(self, request: Request, view: View) -> list[Frame] | None:
        """What a broker gets of a request; None if it got its answer, or ended the connection."""
        key = request.api.key
        try:
            if self._refusing.comes_too_early(request):
                self._refusing.put_off(request, request.api.busy_error)
                return None
            frame = request.frame
            if key in NAMES_PRODUCER:
                frame = with_real_producer(frame, view)
            if key in self._scope.watched and self._parking.takes(request, monotonic()):
                return None
            try:
                return self._pieces(request, frame, view)
            except TransactionalWriteError:
                return self._pieces(request, with_real_writes(frame, view), view)
        except RefusedRequestError as refused:
            self._refusing.refuse(request, refused.error_code, refused.reason)
        except MalformedFrameError as error:
            self._refusing.close_at(request, error)
        return None

    def _pieces(self, request: Request, frame: Frame, view: View) -> list[Frame] | None:
        """What a broker gets of a request, as it is or looked into; None if nothing."""
        key = request.api.key
        if key not in self._account.rights.judged:
            try:
                program = request_program(key, request.header.version, view.is_numbered)
                if key == SYNC_GROUP:
                    known = self._protocol_types.of(frame)
                    pieces, request.fact, elements = program(frame, view, known)
                else:
                    pieces, request.fact, elements = program(frame, view)
                self._account.effort += elements
                if key == JOIN_GROUP:
                    self._protocol_types.joins(frame, request.fact)
            except (ReadOnlyTopicError, RepeatedWriteError):
                return self._look_into(request, frame, view)
            return pieces
        return self._look_into(request, frame, view)

    def _look_into(self, request: Request, frame: Frame, view: View) -> list[Frame] | None:
        """What a broker gets of a request that is not simply sent on; None if nothing."""
        version = request.header.version
        if request.api.key != PRODUCE:
            self._account.effort += elements_by_hand(frame)
        ruling = self._services.judge(self._tenant, frame)
        if request.api.key == PRODUCE:
            ruling, view = self._without_repetitions(frame, ruling, view)
        request.ruling = ruling
        if ruling is not None:
            if ruling.frame is None:
                self._refusing.settle(request, ruling.answer)
                return None
            frame, version = ruling.frame, ruling.version
        program = request_program(request.api.key, version, view.is_numbered)
        pieces, request.fact, elements = program(frame, view)
        self._account.effort += elements
        return pieces

    def _without_repetitions(
        self, frame: Frame | None, ruling: Ruling | None, view: View
    ) -> tuple[Ruling | None, View]:
        """Leave out what the cluster before had appended; the view with which the rest goes on."""
        if ruling is not None:
            frame = ruling.frame
        if frame is not None and monotonic() < view.last_writes.good_until:
            repeated = without_repetitions(frame, view)
            self._services.counters.writes_repeated += repeated is not None
            ruling = followed(ruling, repeated)
        return ruling, replace(view, last_writes=NOTHING_WRITTEN)

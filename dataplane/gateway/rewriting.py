"""What a broker gets of a client's request, or what its client is told in the place of that.

Between the frame and its program stand gates; which, says `gates.py`.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import NamedTuple

from contract.clients import MOST_NAMED
from dataplane.gateway.frames import Frame
from dataplane.gateway.gates import LACKING, Gate, gates_lacking, gates_of, with_known_topics
from dataplane.gateway.inventory import Sighting
from dataplane.gateway.parking import Parking
from dataplane.gateway.protocol_types import ProtocolTypes
from dataplane.gateway.refusing import PRODUCE, Refusing
from dataplane.gateway.services import Services
from dataplane.gateway.tenant import Tenant
from dataplane.gateway.topic_names import Lookup
from dataplane.relay.exchange import Request
from dataplane.virtual.division import Ruling, followed
from dataplane.virtual.heads import (
    JOIN_GROUP,
    OFFSET_FETCH,
    PRODUCE_BY_ID_SINCE,
    SYNC_GROUP,
    topics_described,
)
from dataplane.virtual.messages import elements_by_hand
from dataplane.virtual.named_by_id import BY_ID, SENT_BY_ID, asked_ids, by_name, by_own_ids
from dataplane.virtual.positions_by_id import positions_by_own_ids
from dataplane.virtual.programs import request_program
from dataplane.virtual.repetitions import without_repetitions
from dataplane.virtual.transactional_writes import with_real_writes
from dataplane.virtual.transactions import with_real_producer
from dataplane.virtual.view import View
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError


class _Going(NamedTuple):
    """A request as far as it has come."""

    frame: Frame
    version: int
    view: View


class Rewriting:
    """The requests of one client connection on their way to a broker."""

    def __init__(
        self,
        services: Services,
        tenant: Tenant,
        refusing: Refusing,
        parking: Parking,
        sighting: Sighting,
        *,
        found_out: Callable[[Request], None],
    ) -> None:
        """What does not go on is answered by `refusing`, or waits in `parking`.

        `found_out` is called when a request need not wait there any longer.
        """
        self._found_out = found_out
        self._services = services
        self._tenant = tenant
        self._write_order = services.write_order
        self._account = tenant.account
        self._scope = tenant.scope
        self._refusing = refusing
        self._parking = parking
        self._sighting = sighting
        self._protocol_types = ProtocolTypes()
        self._positions: frozenset[bytes] = frozenset()
        """Physical names of the topics in all positions of groups, as they were told last."""

    def pieces_of(self, request: Request, view: View) -> list[Frame] | None:
        """What a broker gets of a request; None if it got its answer, or ended the connection."""
        key, version, _ = request.header
        gates = gates_of(
            key,
            key in self._account.rights.judged,
            key in self._scope.watched,
            self._write_order.is_broken or self._parking.holds_writes,
        )
        try:
            if gates:
                return self._through(gates, request, view)
            try:
                return self._run(request, request.frame, version, view)
            except LACKING as lacking:
                return self._through(gates_lacking(lacking, key, ()), request, view)
        except RefusedRequestError as refused:
            self._refusing.refuse(request, refused.error_code, refused.reason)
        except MalformedFrameError as error:
            self._refusing.close_at(request, error)
        return None

    def _through(self, gates: tuple[Gate, ...], request: Request, view: View) -> list[Frame] | None:
        """What goes on behind these gates, and behind those that the program finds lacking."""
        going = _Going(request.frame, request.header.version, view)
        request.ruling = None
        passed: set[Gate] = set()
        key, version, _ = request.header
        if key == PRODUCE and version >= PRODUCE_BY_ID_SINCE:
            gates = with_known_topics(gates)
        while True:
            for gate in gates:
                behind = self._pass(gate, request, going)
                if behind is None:
                    return None
                going = behind
            passed.update(gates)
            try:
                return self._run(request, *going)
            except LACKING as lacking:
                gates = gates_lacking(lacking, request.api.key, passed)
                if not gates:
                    raise

    def _pass(  # noqa: PLR0911 - one line for each gate
        self, gate: Gate, request: Request, going: _Going
    ) -> _Going | None:
        """What goes on behind a gate; None if nothing does."""
        match gate:
            case Gate.INVENTORY:
                with suppress(MalformedFrameError):  # its program says what becomes of it
                    self._sighting.asks_for(topics_described(going.frame, MOST_NAMED))
                return going
            case Gate.WRITE_ORDER:
                return going if self._is_in_order(request) else None
            case Gate.REAL_PRODUCER:
                return going._replace(frame=with_real_producer(going.frame, going.view))
            case Gate.PARKING:
                return None if self._parking.takes(request, monotonic()) else going
            case Gate.LOOKUP_ORDER:
                waits = self._parking.follows_a_lookup(request, monotonic())
                return None if waits else going
            case Gate.TOPIC_IDS:
                return self._with_known_topics(request, going)
            case Gate.JUDGEMENT:
                return self._judged(request, going)
            case Gate.REPETITIONS:
                return self._without_repetitions(request, going)
            case Gate.REAL_WRITES:
                return going._replace(frame=with_real_writes(going.frame, going.view))

    def _is_in_order(self, request: Request) -> bool:
        """Whether a write may go; it is put off if not."""
        too_early = self._refusing.comes_too_early(request)
        if too_early:
            self._refusing.put_off(request, request.api.busy_error)
        return not too_early

    def _with_known_topics(self, request: Request, going: _Going) -> _Going | None:
        """What goes on by name, once it is known which topics have the ids in it."""
        names, ids, key = self._services.topic_names, going.view.topic_ids, request.api.key
        cluster, untold = self._cluster, ids.untold
        if self._waits_for(Lookup(names=untold), request):
            return None
        for name in untold:
            ids.learn(name, names.id_of(cluster, name))
        if key not in BY_ID | SENT_BY_ID:
            return going
        # Only now: the id of an alias leads nowhere before it has been learnt.
        told_last = self._positions if key == OFFSET_FETCH else frozenset()
        if self._waits_for(Lookup(asked_ids(going.frame, going.view), told_last), request):
            return None
        ruling = self._by_known_topics(request, going, cluster)
        if ruling is not None and key != PRODUCE:  # of whose size most is records
            self._account.effort += elements_by_hand(going.frame)
        return self._ruled(request, going, ruling)

    def _by_known_topics(self, request: Request, going: _Going, cluster: str) -> Ruling | None:
        """What becomes of a request whose topics have been looked up."""
        key, name_of = request.api.key, partial(self._services.topic_names.name_of, cluster)
        if key == OFFSET_FETCH:
            ids_of = partial(self._ids_of, cluster)
            return positions_by_own_ids(going.frame, going.view, name_of, ids_of)
        rule = by_own_ids if key in SENT_BY_ID else by_name
        return rule(going.frame, going.view, name_of)

    def _ids_of(self, cluster: str, physical: frozenset[bytes]) -> Mapping[bytes, bytes] | None:
        """Ids of topics that an answer names; None if they are looked up when it is asked again."""
        self._positions = physical
        names = self._services.topic_names
        if names.lacks(cluster, Lookup(names=physical), monotonic()):
            return None
        return {name: names.id_of(cluster, name) for name in physical}

    def _waits_for(self, lookup: Lookup, request: Request) -> bool:
        """Whether a request waits until its cluster has told something about topics."""
        names, now = self._services.topic_names, monotonic()
        lacks = names.lacks(self._cluster, lookup, now)
        if lacks:
            self._parking.looks_up(request, now)
            names.ask(self._cluster, lookup, lambda: self._found_out(request))
        return lacks

    @property
    def _cluster(self) -> str:
        """The one that serves: a request only comes here while one does."""
        routing = self._scope.routing
        return routing.cluster if routing is not None else ""

    def _judged(self, request: Request, going: _Going) -> _Going | None:
        """What the account may do of it."""
        if request.api.key != PRODUCE:
            self._account.effort += elements_by_hand(going.frame)
        ruling = self._services.judge(self._tenant, going.frame)
        return self._ruled(request, going, followed(request.ruling, ruling))

    def _ruled(self, request: Request, going: _Going, ruling: Ruling | None) -> _Going | None:
        """What a ruling leaves of a request; None if it was answered with it."""
        request.ruling = ruling
        if ruling is None:
            return going
        if ruling.frame is None:
            self._refusing.settle(request, ruling.answer)
            return None
        return going._replace(frame=ruling.frame, version=ruling.version)

    def _without_repetitions(self, request: Request, going: _Going) -> _Going | None:
        """Leave out what the cluster before had appended; the program looks for it no more."""
        ruling, view = request.ruling, going.view
        if monotonic() < view.last_writes.good_until:
            repeated = without_repetitions(going.frame, view)
            self._services.counters.writes_repeated += repeated is not None
            ruling = followed(ruling, repeated)
        going = going._replace(view=view.without_last_writes())
        return self._ruled(request, going, ruling)

    def _run(self, request: Request, frame: Frame, version: int, view: View) -> list[Frame]:
        """The request's program.

        Raises:
            ReadOnlyTopicError, RepeatedWriteError, TransactionalWriteError: it lacks a gate.
        """
        key = request.api.key
        program = request_program(key, version, view.is_numbered)
        pieces: list[Frame]
        if key == SYNC_GROUP:
            known = self._protocol_types.of(frame)
            pieces, request.fact, elements = program(frame, view, known)
        else:
            pieces, request.fact, elements = program(frame, view)
        self._account.effort += elements
        if key == JOIN_GROUP:
            self._protocol_types.joins(frame, request.fact)
        return pieces

"""`/api/v1/events` and `/api/v1/state`: what happened, and what was so at a time."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from contract.records import Beacon
from controlplane.api.access import require_role
from controlplane.api.own.schemas import Answer, EventView, Items, event_view, without_verifiers
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Invalid
from controlplane.plane import ControlPlane
from controlplane.store.event_search import Search
from controlplane.store.event_store import EventStore

_PAGE = 1000


class StateView(Answer, frozen=True, kw_only=True, rename="camel"):
    """What the log added up to at one moment."""

    seq: int
    as_of: datetime | None
    digest: str
    records: dict[str, Any]
    """Present states by key."""


class EventController(Controller):
    """The log."""

    path = "/api/v1"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Events"]  # noqa: RUF012

    @get("/events")
    async def events(  # noqa: PLR0913, PLR0917 - one for each filter
        self,
        plane: NamedDependency[ControlPlane],
        after: Annotated[int, QueryParameter(name="after", ge=0)] = 0,
        since: Annotated[datetime | None, QueryParameter(name="since")] = None,
        before: Annotated[datetime | None, QueryParameter(name="before")] = None,
        as_of: Annotated[str | None, QueryParameter(name="asOf")] = None,
        kind: Annotated[str | None, QueryParameter(name="kind")] = None,
        actor: Annotated[str | None, QueryParameter(name="actor")] = None,
        subject: Annotated[str | None, QueryParameter(name="subject")] = None,
        limit: Annotated[int, QueryParameter(name="limit", ge=1, le=_PAGE)] = _PAGE,
    ) -> Items[EventView]:
        """Events that fit, oldest first; go on with `after` = the last one's `seq`.

        `kind` is a whole kind (`switch.committed`) or its first part (`switch`); `subject` is what
        the event is about (`vcluster/teamA`); `asOf` is a `seq` or a time.
        """
        until, latest = _moment(as_of)
        wanted = Search(
            after=after,
            until=until,
            since=_with_zone(since),
            before=_with_zone(before) or latest,
            kind=kind,
            actor=actor,
            subject=subject,
            limit=limit,
        )
        return Items(items=[event_view(e) for e in await plane.ledger.store.search(wanted)])

    @get("/state")
    async def state(
        self,
        plane: NamedDependency[ControlPlane],
        as_of: Annotated[str | None, QueryParameter(name="asOf")] = None,
    ) -> StateView:
        """What was so, as of a `seq` or a time; now, if neither is given."""
        facts = await plane.ledger.fresh()
        if as_of is not None:
            facts = await _fold(plane.ledger.store, facts.log, *_moment(as_of))
        present = {
            r.key: r.state
            for r in facts.control.records()
            if r.state is not None and not isinstance(r.state, Beacon)
        }
        return StateView(
            seq=facts.seq,
            as_of=facts.as_of,
            digest=facts.control.digest(),
            records=without_verifiers(msgspec.to_builtins(present, str_keys=True)),
        )


async def _fold(store: EventStore, log: str, until: int | None, latest: datetime | None) -> Facts:
    facts = Facts(log)
    while True:
        wanted = Search(after=facts.seq, until=until, before=latest, limit=_PAGE)
        page = await store.search(wanted)
        for recorded in page:
            facts.apply(recorded)
        if len(page) < _PAGE:
            return facts


def _moment(as_of: str | None) -> tuple[int | None, datetime | None]:
    if as_of is None:
        return None, None
    try:
        if as_of.isdecimal():
            return int(as_of), None
        return None, _with_zone(datetime.fromisoformat(as_of))
    except ValueError as error:
        raise Invalid(
            f"asOf is {as_of!r}; give an event's seq, or a time as 2026-01-31T12:00:00Z"
        ) from error


def _with_zone(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise Invalid(f"the time {moment.isoformat()} has no zone: add Z, or an offset as +02:00")
    return moment

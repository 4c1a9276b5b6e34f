"""`/console/audit`: what happened, and that the log is as it was written."""

from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Template

from controlplane.api.own.schemas import EventView, event_view
from controlplane.console.rendering import page
from controlplane.plane import ControlPlane
from controlplane.store.chain import verify
from controlplane.store.event_search import Search

_PER_PAGE: Final = 50
_BEYOND_ALL: Final = 2**63 - 1

Asked = Request[Any, Any, Any]


@get("/console/audit")
async def events(  # noqa: PLR0917 - one for each filter
    request: Asked,
    plane: NamedDependency[ControlPlane],
    kind: Annotated[str, QueryParameter(name="kind")] = "",
    actor: Annotated[str, QueryParameter(name="actor")] = "",
    subject: Annotated[str, QueryParameter(name="subject")] = "",
    until: Annotated[int | None, QueryParameter(name="until", ge=0, le=_BEYOND_ALL)] = None,
) -> Template:
    """Events that fit, newest first, fifty to a page."""
    wanted = Search(
        until=until,
        kind=kind.strip() or None,
        actor=actor.strip() or None,
        subject=subject.strip() or None,
        limit=_PER_PAGE + 1,
        newest_first=True,
    )
    found = await plane.ledger.store.search(wanted)
    filters = {"kind": kind, "actor": actor, "subject": subject}
    older = None
    if len(found) > _PER_PAGE:
        older = urlencode(filters | {"until": found[_PER_PAGE].seq})
    shown = [event_view(recorded) for recorded in found[:_PER_PAGE]]
    return page(
        request,
        "audit.html",
        events=[(event, _details(event)) for event in shown],
        filters=filters,
        newest=urlencode(filters) if until is not None else None,
        older=older,
    )


@get("/console/audit/chain")
async def chain(request: Asked, plane: NamedDependency[ControlPlane]) -> Template:
    """Walk the hash chain, from the first event to the newest."""
    return page(request, "chain.html", verdict=await verify(plane.engine))


def _details(event: EventView) -> str:
    return msgspec.json.format(msgspec.json.encode(event.data)).decode()

"""`/`: which cluster serves, how the nodes are, and whether a switch would pass now."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import ServerSentEvent, Template

from contract.records import Routing
from controlplane.api.own.fleet import node_statuses
from controlplane.console.live import changes
from controlplane.console.outlook import Outlook, Outlooks, present_pair
from controlplane.console.rendering import fragment, page
from controlplane.plane import ControlPlane

Asked = Request[Any, Any, Any]


@get("/")
async def overview(
    request: Asked, plane: NamedDependency[ControlPlane], outlooks: NamedDependency[Outlooks]
) -> Template:
    """What is known at once; whoever stays is told of what the clusters say."""
    return page(
        request,
        "overview.html",
        **await _present(plane),
        **await _watched(plane, outlooks.ask()),
    )


@get("/console/overview/live")
async def overview_live(
    plane: NamedDependency[ControlPlane], outlooks: NamedDependency[Outlooks]
) -> ServerSentEvent:
    """The same as it changes."""

    async def at_once() -> Mapping[str, str]:
        present = await _present(plane)
        return {
            "serving": fragment("parts/serving.html", **present),
            "fleet": fragment("parts/fleet.html", nodes=present["nodes"]),
        }

    async def looked_at() -> Mapping[str, str]:
        watched = await _watched(plane, outlooks.ask())
        return {
            "readiness": fragment("parts/readiness.html", **watched),
            "replication": fragment("parts/replication.html", **watched),
        }

    return ServerSentEvent(changes(plane, [at_once, looked_at]))


@get("/console/nodes")
async def nodes(request: Asked, plane: NamedDependency[ControlPlane]) -> Template:
    """Every registered node with all that it has reported."""
    facts = await plane.ledger.fresh()
    statuses = await node_statuses(plane, facts)
    return page(request, "nodes.html", nodes=statuses, seq=facts.control.seq)


@get("/console/nodes/live")
async def nodes_live(plane: NamedDependency[ControlPlane]) -> ServerSentEvent:
    """The same as it changes."""

    async def reported() -> Mapping[str, str]:
        facts = await plane.ledger.fresh()
        statuses = await node_statuses(plane, facts)
        return {"nodes": fragment("parts/nodes.html", nodes=statuses, seq=facts.control.seq)}

    return ServerSentEvent(changes(plane, [reported]))


async def _present(plane: ControlPlane) -> dict[str, Any]:
    """What the log says, and the nodes' newest reports."""
    facts = await plane.ledger.fresh()
    return {
        "routings": list(facts.control.of(Routing)),
        "running": {switch.scope: switch for switch in facts.open_switches()},
        "nodes": await node_statuses(plane, facts),
        "objection": plane.ledger.objection,
    }


async def _watched(plane: ControlPlane, outlook: Outlook | None) -> dict[str, Any]:
    """What the clusters say, and what is known of the replica without asking."""
    pair = present_pair(plane)
    return {
        "outlook": outlook,
        "is_old": outlook is not None and outlook.is_old(datetime.now(UTC)),
        "pair": pair,
        "sightings": plane.mirror_seen,
        "leading": plane.leading,
        "watched_s": await plane.watches.age_s(pair) if pair is not None else None,
    }

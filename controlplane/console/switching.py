"""`/console/switch` and `/console/switches/{id}`: plan, start, watch, abort, and the report."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from litestar.response import Redirect, ServerSentEvent, Template

from contract.records import Routing
from controlplane.api.access import FOR, attribution
from controlplane.api.own.plans import plan_of
from controlplane.api.own.reports import story
from controlplane.api.own.schemas import SwitchQuestion
from controlplane.api.own.switches import request_abort, request_switch
from controlplane.console.forms import sent
from controlplane.console.live import changes
from controlplane.console.outlook import present_pair
from controlplane.console.phases import AS_PLANNED, TOLD
from controlplane.console.rendering import HEADERS, fragment, page
from controlplane.console.reports import as_section
from controlplane.console.timelines import rows, segments
from controlplane.console.visitors import Visitor, visitor_of
from controlplane.domain.refusal import Invalid
from controlplane.domain.switch.events import Mode
from controlplane.domain.switch.report import Report
from controlplane.domain.switch.transitions import ABORTABLE, ENDED
from controlplane.plane import ControlPlane
from controlplane.store.idempotency import IdempotencyKey
from controlplane.users import Role

ACCEPT: Final = "accept loss"
"""What somebody types who forces a switch."""

Asked = Request[Any, Any, Any]
SwitchId = Annotated[str, PathParameter(name="switch_id")]


@get("/console/switch")
async def plan_switch(  # noqa: PLR0917 - each is a field of the form
    request: Asked,
    plane: NamedDependency[ControlPlane],
    to: Annotated[str | None, QueryParameter(name="to")] = None,
    mode: Annotated[Mode, QueryParameter(name="mode")] = "planned",
    waive: Annotated[str, QueryParameter(name="waive")] = "",
    of: Annotated[str | None, QueryParameter(name="scope")] = None,
) -> Template:
    """What would stand in the way, and the form that starts it."""
    facts = await plane.ledger.fresh()
    scope = of or plane.settings.scope
    pair = present_pair(plane, scope)
    routing = facts.routing(scope)
    target = to or (pair.to_cluster if pair is not None else None)
    question, found = None, None
    if target is not None:
        question = SwitchQuestion(to_cluster=target, scope=scope, mode=mode, waive=waive.split())
        found = await plan_of(plane, question)
    return page(
        request,
        "switch.html",
        targets=[c.name for c in plane.settings.clusters if _is_other(c.name, routing)],
        scopes=sorted(r.scope for r in facts.control.of(Routing)),
        scope=scope,
        routing=routing,
        question=question,
        waive=waive,
        plan=found,
        running=facts.open_switch(scope),
        key=str(uuid4()),
        accept=ACCEPT,
        told=[(phase, TOLD[phase]) for phase in AS_PLANNED],
    )


def _is_other(name: str, routing: Any) -> bool:
    return routing is None or name != routing.cluster


@post("/console/switches", status_code=303, opt={FOR: Role.OPERATOR})
async def start_switch(request: Asked, plane: NamedDependency[ControlPlane]) -> Redirect:
    """Start it; the form that is sent again is the same switch."""
    fields = await sent(request)
    question = _question(fields)
    by = attribution(request, question.reason)
    key = IdempotencyKey(
        principal=by.actor,
        key=fields.get("key") or str(uuid4()),
        request=msgspec.json.encode(question),
    )
    switch_id = await request_switch(plane, question, by, _epoch(fields.get("epoch", "")), key)
    return _to(switch_id)


def _question(fields: Mapping[str, str]) -> SwitchQuestion:
    mode: Mode = "forced" if fields.get("mode") == "forced" else "planned"
    if mode == "forced" and fields.get("accept", "").lower() != ACCEPT:
        raise Invalid(
            f"a forced switch loses what the target does not hold: type the words `{ACCEPT}` into"
            " its field, or plan the switch instead"
        )
    return SwitchQuestion(
        to_cluster=fields.get("to", ""),
        scope=fields.get("scope") or None,
        mode=mode,
        reason=fields.get("reason") or None,
        accept_loss=mode == "forced" or "accept_loss" in fields,
        waive=fields.get("waive", "").split(),
    )


def _epoch(typed: str) -> int | None:
    """The one that the plan was made in, so that a plan of yesterday starts nothing."""
    if not typed:
        return None
    try:
        return int(typed)
    except ValueError as error:
        raise Invalid("the form's epoch is no number: load the page of the plan again") from error


@get("/console/switches/{switch_id:str}")
async def show_switch(
    request: Asked, switch_id: SwitchId, plane: NamedDependency[ControlPlane]
) -> Template:
    """One switch: while it runs its phases, afterwards its report."""
    report = await story(plane, switch_id)
    return page(request, "running_switch.html", **_shown(report, visitor_of(request)))


@get("/console/switches/{switch_id:str}/live")
async def watch_switch(
    request: Asked, switch_id: SwitchId, plane: NamedDependency[ControlPlane]
) -> ServerSentEvent:
    """The same as it goes on, until it has ended and its mirror is turned round."""
    visitor = visitor_of(request)
    report = await story(plane, switch_id)

    async def parts() -> Mapping[str, str]:
        nonlocal report
        report = await story(plane, switch_id)
        shown = _shown(report, visitor)
        return {name: fragment(f"parts/{name}.html", **shown) for name in _PARTS}

    def ended() -> bool:
        return report.outcome in ENDED and not _turns(report)

    return ServerSentEvent(changes(plane, [parts], ended, every_s=0.5))


_PARTS: Final = ("standing", "phases", "abort", "report")


def _turns(report: Report) -> bool:
    """Whether the mirror is still being turned round."""
    return report.mirror is not None and report.mirror.took_ms is None


@post("/console/switches/{switch_id:str}/abort", status_code=303, opt={FOR: Role.OPERATOR})
async def abort(
    request: Asked, switch_id: SwitchId, plane: NamedDependency[ControlPlane]
) -> Redirect:
    """Undo a switch that is not committed."""
    reason = (await sent(request)).get("reason", "")
    if not reason:
        raise Invalid("say why the switch is aborted: the reason stands in the log")
    await request_abort(plane, switch_id, attribution(request, reason))
    return _to(switch_id)


def _to(switch_id: str) -> Redirect:
    return Redirect(f"/console/switches/{switch_id}", status_code=303, headers=HEADERS)


def _shown(report: Report, visitor: Visitor) -> dict[str, Any]:
    now = datetime.now(UTC)
    ended = report.outcome in ENDED
    return {
        "visitor": visitor,
        "report": report,
        "ended": ended,
        "told": TOLD[report.outcome],
        "rows": rows(report.stages, now),
        "segments": segments(report.stages, now),
        "may_abort": visitor.operates and report.outcome in ABORTABLE,
        "section": as_section(report) if ended else None,
    }

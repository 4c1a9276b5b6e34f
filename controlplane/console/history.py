"""`/console/switches`: all switches, each with a bar of its phases."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Template

from controlplane.api.own.reports import story
from controlplane.console.rendering import page
from controlplane.console.timelines import segments
from controlplane.plane import ControlPlane

_PER_PAGE: Final = 20


@get("/console/switches")
async def history(
    request: Request[Any, Any, Any],
    plane: NamedDependency[ControlPlane],
    number: Annotated[int, QueryParameter(name="page", ge=1, le=10**6)] = 1,
) -> Template:
    """Newest first, twenty to a page."""
    facts = await plane.ledger.fresh()
    newest_first = list(reversed(facts.switches))
    first = (number - 1) * _PER_PAGE
    now = datetime.now(UTC)
    reports = [await story(plane, one) for one in newest_first[first : first + _PER_PAGE]]
    return page(
        request,
        "history.html",
        switches=[(report, segments(report.stages, now)) for report in reports],
        total=len(newest_first),
        number=number,
        is_last=first + _PER_PAGE >= len(newest_first),
    )

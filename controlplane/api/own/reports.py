"""`/api/v1/switches/{id}/report`: the whole story of a switch, for programs and for people."""

from html import escape
from typing import Annotated, Literal, TypeAlias

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from markdown_it import MarkdownIt

from controlplane.api.access import require_role
from controlplane.domain.refusal import Missing
from controlplane.domain.switch.report import Report, report_of
from controlplane.domain.switch.report_text import as_markdown
from controlplane.plane import ControlPlane
from controlplane.store.event_search import Search

Form: TypeAlias = Literal["json", "md", "html"]

# What people wrote, as a reason, stays text: no HTML of theirs.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Interlock: switch {switch_id}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1c2330; max-width: 64rem; margin: 2rem auto;
       padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }}
h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ border-bottom: 1px solid #d8dde6; padding: .3rem .8rem .3rem 0; text-align: left;
         vertical-align: top; }}
code {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
{body}</body>
</html>
"""


@get("/api/v1/switches/{switch_id:str}/report", guards=[require_role], tags=["Switches"])
async def report(
    switch_id: Annotated[str, PathParameter(name="switch_id")],
    plane: NamedDependency[ControlPlane],
    form: Annotated[Form, QueryParameter(name="format")] = "json",
) -> Response[bytes]:
    """Who, why, when each phase began, what each node did, the proof, and what was lost."""
    body, media_type = _told(await story(plane, switch_id), form)
    return Response(body.encode(), media_type=media_type)


async def story(plane: ControlPlane, switch_id: str) -> Report:
    """What happened in a switch so far.

    Raises:
        Missing: there is no such switch.
    """
    facts = await plane.ledger.fresh()
    if switch_id not in facts.switches:
        raise Missing(f"there is no switch {switch_id}")
    history = await plane.ledger.store.search(Search(subject=f"switch/{switch_id}", after=0))
    return report_of(history, facts.reversal_after(switch_id))


def _told(found: Report, form: Form) -> tuple[str, str]:
    match form:
        case "json":
            return msgspec.json.encode(found).decode(), "application/json"
        case "md":
            return as_markdown(found), "text/markdown; charset=utf-8"
        case "html":
            body = _markdown.render(as_markdown(found))
            page = _PAGE.format(switch_id=escape(found.switch_id), body=body)
            return page, "text/html; charset=utf-8"

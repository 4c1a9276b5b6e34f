"""Templates, and what every page is sent with. What is put in is text: escaped, on one line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig
from markupsafe import Markup

from contract.shown import on_one_line
from controlplane.console.visitors import Visitor

HERE: Final = Path(__file__).parent
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: browsers would call the origin of our own forms `null`.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_A_SECOND_MS: Final = 1000.0
_A_MINUTE_MS: Final = 60_000.0


def page(request: Request[Any, Any, Any], name: str, status: int = 200, **values: Any) -> Template:
    """A page, as whoever asks may see it."""
    visitor = request.scope.get("auth")
    known = {
        "visitor": visitor if isinstance(visitor, Visitor) else None,
        "path": request.url.path,
    }
    return Template(
        name, context=known | values, status_code=status, headers=HEADERS, media_type="text/html"
    )


def fragment(name: str, **values: Any) -> str:
    """A part of a page, to be put in the place of what it was."""
    return _templates.get_template(name).render(values)


def _put_in(value: object) -> object:
    """What a name, reason or cause is shown as; escaping for HTML comes after this, once.

    Nothing that anybody chose ends a line, or turns what follows round.
    """
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return on_one_line(value)
    return value


def _moment(value: datetime | None) -> Markup:
    """A time in UTC, to the second."""
    if value is None:
        return Markup("-")
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M:%S} UTC</time>').format(at.isoformat(), at)


def _epoch(value: int | None) -> Markup:
    """The same of epoch seconds."""
    return _moment(datetime.fromtimestamp(value, UTC) if value is not None else None)


def duration(ms: float | None) -> str:
    """Milliseconds, as people say them."""
    if ms is None:
        return "-"
    if ms < _A_SECOND_MS:
        return f"{ms:.0f} ms"
    if ms < _A_MINUTE_MS:
        return f"{ms / _A_SECOND_MS:.1f} s"
    minutes, rest = divmod(ms / _A_SECOND_MS, 60)
    return f"{minutes:.0f} min {rest:.0f} s"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_put_in,
    )
    environment.filters |= {"moment": _moment, "epoch": _epoch, "duration": duration}
    return environment


_templates: Final = _environment()
TEMPLATES: Final = TemplateConfig(instance=JinjaTemplateEngine.from_environment(_templates))

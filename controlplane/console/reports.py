"""A switch's report as a part of a page: the same Markdown that `interlock switch report` tells."""

from typing import Final

from markdown_it import MarkdownIt
from markupsafe import Markup

from controlplane.domain.switch.report import Report
from controlplane.domain.switch.report_text import as_markdown

# What people wrote, as a reason, stays text: no HTML of theirs.
_markdown: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_ONE_DOWN: Final = {"h1": "h2", "h2": "h3"}
"""The page has a heading of its own above it."""


def as_section(report: Report) -> Markup:
    """The whole story, below a heading of the second level."""
    tokens = _markdown.parse(as_markdown(report))
    for token in tokens:
        token.tag = _ONE_DOWN.get(token.tag, token.tag)
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S704 - html is off

"""Writes `docs/transitions.md` (`python -m controlplane.domain.transitions_page`)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from controlplane.domain.event import Event
from controlplane.domain.mirror import transitions as reversal
from controlplane.domain.switch import transitions as switch

TARGET: Final = Path("docs/transitions.md")

_INTRODUCTION: Final = """\
# Transitions

Made by `python -m controlplane.domain.transitions_page` from the tables in
`controlplane/domain/switch/transitions.py` and `controlplane/domain/mirror/transitions.py`; do not
edit it.

What is not drawn here cannot happen: neither is such an event written, nor is a log read on that
holds one.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            _INTRODUCTION,
            *_drawn("A switch", switch.TRANSITIONS),
            *_drawn("A reversal of the mirror", reversal.TRANSITIONS),
        ]
    )


def _drawn(title: str, table: Mapping[Any, Mapping[Any, Any]]) -> Iterator[str]:
    yield from (f"## {title}", "", "```mermaid", "stateDiagram-v2", "    [*] --> requested")
    ends = {to for row in table.values() for to in row.values()}
    for event, row in table.items():
        yield from (f"    {a} --> {b}: {_name(event)}" for a, b in row.items() if a != b)
    left = {from_ for row in table.values() for from_ in row}
    yield from (f"    {phase} --> [*]" for phase in sorted(ends - left))
    yield from ("```", "", "| event | stays in | leads from | to |", "|---|---|---|---|")
    for event, row in table.items():
        stays = ", ".join(a for a, b in row.items() if a == b)
        leads = ", ".join(a for a, b in row.items() if a != b)
        to = ", ".join(sorted({b for a, b in row.items() if a != b}))
        yield f"| `{_name(event)}` | {stays} | {leads} | {to} |"
    yield ""


def _name(event: type[Event]) -> str:
    return str(event.__struct_config__.tag)


if __name__ == "__main__":
    TARGET.write_text(page())

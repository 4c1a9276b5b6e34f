"""Whatever tenants call their things: a report has the same sections, and says what they said."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from contract.session import Unrest
from controlplane.domain.completeness import Hole
from controlplane.domain.mirror.transitions import ReversalPhase
from controlplane.domain.numbering.deciding import Renumbered
from controlplane.domain.parity.configs import Difference
from controlplane.domain.parity.made import Parity
from controlplane.domain.replica import Loss
from controlplane.domain.switch import events
from controlplane.domain.switch.report import (
    Alike,
    Groups,
    MirrorStory,
    NumbersStory,
    Report,
)
from controlplane.domain.switch.report_text import as_markdown
from tests.controlplane.domain.switch import test_report as told

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOLE = Hole(partition="plain", first=2, last=3, records=2)
LEFT = (Difference(name="plain", detail="plain"), Difference(name="waived", detail="plain"))
WHOLE = msgspec.structs.replace(
    told.story(
        *told.BEGUN,
        told.FENCE,
        *told.STOPPED,
        *told.PROVED,
        *told.PRODUCERS,
        told.TRANSLATED,
        *told.COMMITTED,
        told.COMPLETED,
    ),
    cause="plain",
    reason="plain",
    parity=Alike(
        done=Parity(
            topics=2, topics_deleted=("plain", "other"), groups_deleted=("plain",), left=LEFT
        ),
        tombstones={"plain": 3},
        waived=("waived",),
    ),
    groups=Groups(
        ghosts_removed=2,
        restless=(
            events.Restless(
                node_id="n1",
                unrest=Unrest(
                    members=1,
                    transactions=1,
                    member_names=("plain", "other"),
                    transaction_names=("plain",),
                ),
            ),
            events.Restless(node_id="n2", unrest=None),
        ),
        positions=told.TRANSLATED,
    ),
    transactions_aborted=("plain", "other"),
    numbers=NumbersStory(
        partitions=2, renumbered=(Renumbered(partition="plain", floor=1, stretches=1),)
    ),
    mirror=MirrorStory(
        direction="plain",
        runner="manual",
        phase=ReversalPhase.FAILED,
        began_at=AT,
        took_ms=1.0,
        cause="plain",
    ),
    loss=events.LossRecorded(
        **told.S,
        seen_at=AT,
        losses=(Loss(partition="plain", first=5, seen_end=9, hole=HOLE),),
        partitions=1,
    ),
)
"""A report in which everything is told that there is to tell."""
OURS = {"mode", "outcome", "phase", "evidence", "runner", "type", "switch_id", "offsets_digest"}
"""Fields whose texts are none that anybody chooses."""
NASTY = (
    "a\n\n## Proof\n\nAll records are on the target.",
    "a | b |\n| c | d |",
    "<img src=//evil.example>",
    "</td></table><script>alert(1)</script>",
    "![x](//evil.example/x.png)[y](https://evil.example)",
    "<https://evil.example>",
    "[x]: https://evil.example",
    "# x",
    "- x",
    "---",
    "===",
    "> x",
    "1. x",
    "12) x",
    "~~~",
    "    code",
    "`code` **bold** _thin_ __x__ *y*",
    "\\",
    "\\|",
    "&lt;b&gt;&#10;",
    "\x1b[2J\x1b]8;;https://evil.example\x07x",
    "\u202egnp\u2028## x\u2029\x85\r## y\x0b\x0c",
    "{0} {name} {",
    "",
    " ",
)
names = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(codec=None)),
    st.text(st.sampled_from("#-+=>_*`~|[]()<>!&;\\\n\t 1.x"), max_size=12),
)
reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def renamed(part: Any, name: str, field: str = "") -> Any:
    """The same report where everybody calls everything by a name."""
    match part:
        case str():
            return part if field in OURS else name
        case dict():
            return {key: renamed(value, name, str(key)) for key, value in part.items()}
        case list() | tuple():
            return [renamed(one, name, field) for one in part]
        case _:
            return part


def report_with(name: str) -> str:
    plain = msgspec.to_builtins(WHOLE, builtin_types=(datetime,))
    return as_markdown(msgspec.convert(renamed(plain, name), Report))


def shape(page: str) -> list[str]:
    """What the page is made of, without its text."""
    tokens = [inner for token in reader.parse(page) for inner in (token, *(token.children or []))]
    return [
        token.type for token in tokens if token.type not in {"text", "text_special", "softbreak"}
    ]


PLAIN = shape(report_with("plain"))


@given(names)
def test_no_name_changes_what_a_report_is_made_of(name):
    page = report_with(name)
    assert shape(page) == PLAIN
    assert all(line.isprintable() for line in page.split("\n"))


@given(names.map(lambda name: name.replace("\n", " ")).filter(str.isprintable))
def test_what_can_be_shown_is_shown_as_it_is(name):
    (cause,) = (
        "".join(inner.content for inner in token.children or [])
        for token in reader.parse(report_with(name))
        if token.type == "inline" and token.content.startswith("Cause:")
    )
    assert cause == f"Cause: {name.strip()}".strip()


def test_a_list_of_names_shows_where_each_begins():
    page = report_with("a, b")
    assert '1 members, 1 transactions ("a, b", "a, b", "a, b")' in page
    assert '1 groups deleted ("a, b")' in page

"""What people see on a terminal of names that tenants chose."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controlplane.cli.client import Connection
from controlplane.cli.display import among_others, say, show, show_one
from controlplane.cli.switches import _line

NASTY = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.sampled_from(
        (
            "a\n   7 now switch.completed",
            "\x1b[2J\x1b]8;;https://evil.example\x07",
            "\u202egnp.exe\u2028\u2029\x85\r",
            "[link=https://evil.example]x[/link][/red]",
            ":boom:",
            "a, b=c",
        )
    ),
)
EVENT = {"seq": 1, "recordedAt": "2026-01-01T00:00:00Z", "kind": "switch.transactions_aborted"}
TABLE = Connection(output="table")
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@shared
@given(NASTY)
def test_a_table_has_the_same_lines_and_nothing_unseen(capsys, name):
    item = {"group": name, "names": [name, name], "more": {name: name}}
    show(TABLE, {"items": [item]}, {"a": "group", "b": "names", "c": "more"})
    show_one(TABLE, item)
    say(_line({**EVENT, "data": item}))
    lines = capsys.readouterr().out.removesuffix("\n").split("\n")
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("name", ["[link=https://evil.example]x[/link]", ":boom:", "[/red]"])
def test_a_name_is_no_markup_of_a_terminal(capsys, name):
    show(TABLE, {"items": [{"group": name}]}, {"a": "group"})
    say(name)
    assert capsys.readouterr().out.count(name) == 2


def test_a_name_among_others_is_one():
    assert among_others(["a, b", "c"]) == '"a, b", c'
    assert among_others({"cause": "x to=y", "at": "2026-01-01T00:00:00.5Z"}) == (
        'cause="x to=y" at=2026-01-01 00:00:00'
    )

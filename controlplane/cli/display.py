"""Answers as tables or as JSON."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from contract.shown import on_one_line, quoted
from controlplane.cli.client import Connection

_WIDEST = 1000
"""Columns of the widest table."""

_TO_THE_SECOND = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$")
"""A time of the API; people read it to the second, scripts ask for JSON."""

_console = Console(soft_wrap=True)


def show(connection: Connection, answer: Any, columns: Mapping[str, str]) -> None:
    """A list of things.

    Args:
        connection: says which form is wanted.
        answer: the API's answer, with `items`.
        columns: title of each column and the key of what is in it.
    """
    if connection.output == "json":
        print_json(answer)
        return
    titles = (Column(_literally(title)) for title in columns)
    table = Table(*titles, box=None, pad_edge=False)
    for item in answer["items"]:
        table.add_row(*(_literally(cell(item.get(key))) for key in columns.values()))
    _print_whole(table)


def show_one(connection: Connection, answer: Mapping[str, Any]) -> None:
    """One thing, a line for each of its properties."""
    if connection.output == "json":
        print_json(answer)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for key, value in answer.items():
        table.add_row(_literally(key), _literally(cell(value)))
    _print_whole(table)


def _literally(text: str) -> Text:
    """Not as Rich's markup, which has links in it."""
    return Text(on_one_line(text))


def _print_whole(table: Table) -> None:
    """As wide as it is: an id cut short to fit the terminal is of no use to the next command."""
    wide = Console(width=_WIDEST)
    natural = Measurement.get(wide, wide.options, table).maximum
    Console(width=natural).print(table)


def print_json(answer: Any) -> None:
    """JSON for scripts: no colours, no wrapping."""
    say(json.dumps(answer))


def say(line: str) -> None:
    """One line, as it is; what is not to be seen is written out."""
    _console.print(on_one_line(line), markup=False, highlight=False, emoji=False)


def cell(value: Any) -> str:
    """A value on one line, with a cell or what is left of a line to itself."""
    if isinstance(value, str) and value.isprintable():
        return _TO_THE_SECOND.sub(r"\1 \2", value)
    return among_others(value)


def among_others(value: Any) -> str:
    """A value on one line with others: seen where it begins and ends, whatever is in it."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case dict():
            return " ".join(f"{quoted(key)}={among_others(one)}" for key, one in value.items())
        case str():
            told = _TO_THE_SECOND.sub(r"\1 \2", value)
            return told if told != value else quoted(value)
        case Iterable():
            return ", ".join(among_others(inner) for inner in value)
        case _:
            return str(value)

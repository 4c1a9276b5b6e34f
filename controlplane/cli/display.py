"""Answers as tables or as JSON."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

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
    table = Table(*columns, box=None, pad_edge=False)
    for item in answer["items"]:
        table.add_row(*(cell(item.get(key)) for key in columns.values()))
    _print_whole(table)


def show_one(connection: Connection, answer: Mapping[str, Any]) -> None:
    """One thing, a line for each of its properties."""
    if connection.output == "json":
        print_json(answer)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for key, value in answer.items():
        table.add_row(key, cell(value))
    _print_whole(table)


def _print_whole(table: Table) -> None:
    """As wide as it is: an id cut short to fit the terminal is of no use to the next command."""
    wide = Console(width=_WIDEST)
    natural = Measurement.get(wide, wide.options, table).maximum
    Console(width=natural).print(table)


def print_json(answer: Any) -> None:
    """JSON for scripts: no colours, no wrapping."""
    say(json.dumps(answer))


def say(line: str) -> None:
    """One line, as it is."""
    _console.print(line, markup=False, highlight=False)


def cell(value: Any) -> str:
    """A value on one line."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case dict():
            return " ".join(f"{key}={cell(inner)}" for key, inner in value.items())
        case str():
            return _TO_THE_SECOND.sub(r"\1 \2", value)
        case Iterable():
            return ", ".join(cell(inner) for inner in value)
        case _:
            return str(value)

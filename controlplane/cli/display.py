"""Answers as tables or as JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from controlplane.cli.client import Connection

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
    table = Table(*columns)
    for item in answer["items"]:
        table.add_row(*(cell(item.get(key)) for key in columns.values()))
    _console.print(table)


def show_one(connection: Connection, answer: Mapping[str, Any]) -> None:
    """One thing, a line for each of its properties."""
    if connection.output == "json":
        print_json(answer)
        return
    table = Table(show_header=False, box=None)
    for key, value in answer.items():
        table.add_row(key, cell(value))
    _console.print(table)


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
            return value
        case Iterable():
            return ", ".join(cell(inner) for inner in value)
        case _:
            return str(value)

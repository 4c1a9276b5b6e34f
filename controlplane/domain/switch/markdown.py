"""Markdown in which only what this program wrote is markup."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Self

from contract.shown import on_one_line

_MARKUP: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])|[\\`*\[\]<&|#~]")
"""What may be markup anywhere in a line. Not so underscores between letters and digits."""
_AT_THE_START: Final = re.compile(r"^(\d*)(>|[-+=.)](?=[-+=\s]|$))")
"""What makes a list, a quotation, a rule or a heading of what begins with it."""


class Markdown(str):
    """Text that is markup, as far as it looks like it."""

    __slots__ = ()

    def filled(self, **values: object) -> Self:
        """With values in the place of their names in braces; they are text, unless Markdown."""
        return type(self)(self.format(**{name: text(value) for name, value in values.items()}))


def text(value: object) -> Markdown:
    """Something on one line that shows as it is: no markup, no HTML, no link, no end of a cell."""
    if isinstance(value, Markdown):
        return value
    line = on_one_line(str(value).replace("\n", " ")).strip()
    return Markdown(_AT_THE_START.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", line)))


def section(title: str, lines: Sequence[Markdown]) -> list[Markdown]:
    """Lines under a heading; nothing if there are none."""
    return [Markdown(f"## {title}"), Markdown(), *lines] if lines else []


def bullets(items: Iterable[Markdown]) -> list[Markdown]:
    """A list behind a paragraph."""
    lines = [Markdown(f"- {item}") for item in items]
    return [Markdown(), *lines] if lines else []


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[Markdown]:
    """A table; nothing if it has no rows."""
    lines = [_row(text(value) for value in row) for row in rows]
    return [_row(columns), Markdown("|" + "---|" * len(columns)), *lines] if lines else []


def _row(cells: Iterable[str]) -> Markdown:
    return Markdown("| " + " | ".join(cells) + " |")

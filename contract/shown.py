"""How text that somebody else chose is shown to people: on one line, and known by its quotes.

Groups, transactional ids, members, client ids and reasons are free text. Shown as they are, a line
break in one forges a line, a right-to-left mark another order, and an escape reaches the terminal.
"""

import re
from collections.abc import Iterable
from typing import Final

_NEEDS_QUOTES: Final = re.compile(r"""[\s"'`\\,;=()\[\]{}]""")
"""What ends a name, begins another or groups them, where names stand beside each other."""


def on_one_line(text: str) -> str:
    """Text with what is not to be seen written out, as Python's literals do.

    These are Unicode's control and format characters, bidirectional ones included, separators of
    lines and paragraphs, every space but U+0020, surrogates, and what is not assigned.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def quoted(name: str) -> str:
    """A name that somebody chose, so that it is seen where it begins and ends.

    A usual one stays as it is; any other stands in double quotes, with a backslash before quotes
    and backslashes of its own.
    """
    if name and name.isprintable() and not _NEEDS_QUOTES.search(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{on_one_line(escaped)}"'


def listed(names: Iterable[str]) -> str:
    """Names beside each other: none of them can look like several."""
    return ", ".join(quoted(name) for name in names)

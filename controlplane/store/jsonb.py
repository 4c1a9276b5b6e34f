"""JSON as Postgres' jsonb takes it: U+0000 is written otherwise there, as it refuses that one.

Kafka lets ids of groups and transactions have any character, and they stand in events and reports.
"""

import re
from typing import Final

_MARK: Final = "\U0010ffff"
"""A noncharacter: nobody's text has it, and where it has, it is doubled with `1`."""
_NUL: Final = "\\u0000"
"""As JSON has it."""
_KEPT: Final = {_NUL: f"{_MARK}0", _MARK: f"{_MARK}1"}
_GIVEN: Final = {kept: given for given, kept in _KEPT.items()}
_ESCAPES: Final = re.compile(rf"\\(?:u0000|.)|{_MARK}", re.DOTALL)
_MARKED: Final = re.compile(f"{_MARK}[01]")


def to_jsonb(text: str) -> str:
    """JSON in the form in which it is kept.

    Args:
        text: JSON of any content; U+0000 stands in it by its number.
    """
    if _NUL not in text and _MARK not in text:
        return text
    return _ESCAPES.sub(lambda found: _KEPT.get(found[0], found[0]), text)


def from_jsonb(text: str) -> str:
    """JSON as it was before it was kept.

    Args:
        text: what `CAST(... AS text)` of a jsonb gives.
    """
    return _MARKED.sub(lambda found: _GIVEN[found[0]], text) if _MARK in text else text

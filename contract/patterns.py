"""Regular expressions that an operator sets and names of tenants meet.

They run in front of clients, on the loop that all of them share. RE2 takes time in proportion to
the name, whatever the expression; Python's own engine tries again and again, and an innocent
expression can take seconds over 25 characters.
"""

import re
from functools import lru_cache
from typing import Final

import re2

LONGEST_PATTERN: Final = 256
"""Characters of an expression."""

_MOST: Final = 1024
"""Expressions that are kept compiled: one for each virtual cluster that has one."""

_NO_LEAST: Final = re.compile(r"\{,\d+\}")
"""Means from 0 on to Python, and itself to RE2."""


class PatternError(ValueError):
    """An expression that cannot be used, and why."""


def matches(pattern: str, name: str) -> bool:
    """Whether a whole name matches.

    Raises:
        PatternError: it cannot be told, as the expression is none that RE2 takes.
    """
    return _compiled(pattern).fullmatch(name) is not None


def require_usable(pattern: str) -> None:
    """Raises PatternError for an expression that `matches` cannot use."""
    _compiled(pattern)


@lru_cache(_MOST)
def _compiled(pattern: str) -> "re2._Regexp[str]":
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"has {len(pattern)} characters: use up to {LONGEST_PATTERN}")
    if found := _NO_LEAST.search(pattern):
        raise PatternError(f"has {found[0]}, which does not say the least number: write {{0,n}}")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        (reason,) = error.args
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(
            f"is no regular expression that RE2 takes ({said}); it has no look-around, no back"
            " references and no possessive quantifiers"
        ) from None

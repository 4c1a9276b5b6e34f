"""Regular expressions over topic names, which brokers match with the names of all topics (KIP-848).

A broker's engine is RE2/J, and it matches whole names (`TopicRegexResolver`). What a tenant gives
is matched behind its prefix alone, in a group of its own: an expression that is not whole by itself
could end that group and begin another, so it has to be one that RE2 takes as it stands.
"""

import re
from typing import Any, Final

import re2

from dataplane.virtual.anchors import unanchored
from dataplane.wire.errors import RefusedRequestError

INVALID_REGULAR_EXPRESSION: Final = 128
_LONGEST: Final = 1024
"""Bytes of an expression; it is compiled here and at the broker, while others wait."""


def pattern_of_my_topics(pattern: bytes | None, view: Any, _fact: object) -> bytes | None:
    """An expression over logical names as one over physical names; none and an empty one stay.

    An alias does not carry the prefix: those whose names match stand beside the expression.

    Raises:
        RefusedRequestError: it is none that RE2 takes by itself, or too long.
    """
    if not pattern:
        return pattern
    whole = _compiled(pattern)
    own = re.escape(view.prefix) + b"(?:" + unanchored(pattern) + b")"
    aliases = (
        re.escape(physical)
        for logical, physical in sorted(view.physical_of.items())
        if whole.fullmatch(logical.decode()) is not None
    )
    return b"|".join((own, *aliases))


def pattern_as_given(pattern: bytes | None, view: Any, _fact: object) -> bytes | None:
    """The way back; without the anchors that stood at its beginning and say nothing."""
    opening = re.escape(view.prefix) + b"(?:"
    if not pattern or not pattern.startswith(opening):
        return None if pattern is None else b""
    # Names of topics, which follow, have no brackets in them.
    return pattern[len(opening) : pattern.rindex(b")")]


def _compiled(pattern: bytes) -> "re2._Regexp[str]":
    if len(pattern) > _LONGEST:
        raise RefusedRequestError(
            INVALID_REGULAR_EXPRESSION,
            f"a regular expression of {len(pattern)} bytes: use up to {_LONGEST}",
        )
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(pattern.decode(), options)
    except (re2.error, UnicodeDecodeError):
        raise RefusedRequestError(
            INVALID_REGULAR_EXPRESSION, "the subscription is no regular expression that RE2 takes"
        ) from None

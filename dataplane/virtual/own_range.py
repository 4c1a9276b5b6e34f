"""Requests for everything, narrowed to what begins with the virtual cluster's own prefix."""

import re
from typing import Any, Final

from dataplane.virtual.anchors import unanchored
from dataplane.wire.primitives import INT32, NO_TAGS, encode_string

_PRESENT: Final = b"\1"


def first_of_mine(view: Any) -> bytes:
    """A DescribeTopicPartitions cursor at the first topic that could be the virtual cluster's own.

    Brokers go through topics in order of their names (`DescribeTopicPartitionsRequestHandler`), so
    from there on come all that it has, and only then others'.
    """
    return _PRESENT + encode_string(view.prefix, compact=True) + INT32.pack(0) + NO_TAGS


def pattern_of_mine(pattern: bytes | None, view: Any, _fact: object) -> bytes | None:
    """A pattern over logical names as one over physical names; none and an empty one match all.

    It cannot be used to see others' names, whatever is in it: the answer leaves those out.
    """
    if not pattern:
        return pattern
    return b"%b(?:%b)" % (re.escape(view.prefix), unanchored(pattern))

"""Anchors of a pattern that is to match after a prefix."""

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(
    rb"""
    \\Q.*?(?:\\E|\Z)                 # quoted
    | \\A                            # the beginning, in whatever mode
    | \\.                            # an escape
    | \[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]  # a class
    | \((?:\?(?:P?<\w+>|[imsU-]*:|[imsU-]+\)))?  # a group begins, or flags change
    | .                              # anything else
    """,
    re.VERBOSE | re.DOTALL,
)
_ANCHORS: Final = frozenset({b"^", rb"\A"})


def unanchored(pattern: bytes) -> bytes:
    """A pattern that matches after a prefix what the given one matches as a whole text.

    What has to match as a whole begins at its beginning anyway, so anchors there say nothing. Those
    elsewhere stay, and match nothing: after what takes no character Kafka's would (`a*^b`).

    Args:
        pattern: in the syntax of RE2 (Kafka: `TransactionStateManager.listTransactionStates`).
    """
    return b"".join(_kept(pattern))


def _kept(pattern: bytes) -> Iterator[bytes]:
    at_beginning = True
    around: list[bool] = []
    """Of each group that is open: whether it stands at the beginning."""
    for token in _TOKEN.findall(pattern):
        if token in _ANCHORS and at_beginning:
            continue
        yield token
        if token.startswith(b"("):
            if not token.endswith(b")"):
                around.append(at_beginning)
        elif token == b"|":
            at_beginning = around[-1] if around else True
        elif token == b")":
            at_beginning = False
            del around[-1:]
        else:
            at_beginning = False

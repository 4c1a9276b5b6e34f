"""What a target is, and how it is fed."""

from collections.abc import Callable
from typing import NamedTuple


class Target(NamedTuple):
    """One piece of code that reads foreign bytes."""

    name: str
    run: Callable[[bytes], object]
    raises: tuple[type[Exception], ...]
    """What it may raise, as documented: whoever calls it expects these."""


def feed(target: Target, frame: bytes) -> None:
    """Run a target on a frame.

    Raises:
        Exception: what must not happen; the traceback says where.
    """
    try:
        target.run(frame)
    except target.raises:
        return

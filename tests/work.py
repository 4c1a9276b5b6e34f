"""Work that is counted, where time would tell how busy the machine is."""

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any


def work_of(do: Callable[[], object]) -> int:
    """How many instructions of Python are executed; what an iterator gives is taken.

    Of some runs the least: code that runs for the first time is not counted alike.
    """
    return min(_once(do) for _ in range(3))


def _once(do: Callable[[], object]) -> int:
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        found = do()
        if isinstance(found, Iterator):
            for _ in found:
                pass
    finally:
        sys.settrace(before)
    return count

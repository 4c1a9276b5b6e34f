"""Milliseconds for the largest request of each API that a client may send, made to cost much.

`PYTHONPATH=. python benchmarks/hostile.py [HOW_MANY]` prints the ten worst, or so many: API and
version, the array with all the elements, what became of the request, and the names in it. Nobody
else is served in that time.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import thread_time
from typing import Any, NamedTuple

from contract.garbage import set_aside_what_stays
from dataplane.virtual import messages
from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.census import Census
from dataplane.virtual.effects import CREATE_TOPICS
from dataplane.virtual.judgement import MOST_MADE, judge
from dataplane.virtual.programs import most_elements, request_program
from dataplane.virtual.refusals import REFUSED_LIMIT, denial, refusal
from dataplane.virtual.rights import Rights
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError
from dataplane.wire.schema import message
from tests.dataplane.virtual.hostile import ASKED, SHAPES, arrays_of, hostile_frame
from tests.dataplane.virtual.instances import VIEW

RIGHTS = Rights(vcluster="t", account="sa", aliases=frozenset({"borrowed"}))
GOAL_MS = 50.0
ROUNDS = 1
ROOM = 20
"""Elements that a request has beside those of the one array."""


class Cost(NamedTuple):
    """Of one request."""

    milliseconds: float
    told: str


def main() -> None:
    """Measure and print."""
    set_aside_what_stays()
    shown = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    costs = sorted(measured(), reverse=True)
    for cost in costs[:shown]:
        print(f"{cost.milliseconds:8.1f} ms  {cost.told}")
    above = sum(cost.milliseconds > GOAL_MS for cost in costs)
    print(f"{len(costs)} requests, {above} of them above {GOAL_MS:.0f} ms")


def measured() -> Iterator[Cost]:
    """The newest version of each API, in all ways, with all shapes."""
    for key in sorted({key for key, _ in ASKED}):
        version = max(version for asked, version in ASKED if asked == key)
        for array in arrays_of(message(key, version, "request")):
            for way, most, run in ways(key, version):
                for shape, names in SHAPES.items():
                    frame = hostile_frame(key, version, array, most - ROOM, names)
                    told = f"{APIS[key].name} {version} {'.'.join(array)}, {way}, {shape}"
                    yield Cost(milliseconds(lambda run=run, frame=frame: run(frame)), told)


def ways(key: int, version: int) -> list[tuple[str, int, Callable[[bytes], Any]]]:
    """What may become of a request, and how many elements it may have then."""
    by_hand, refused = messages.MOST_ELEMENTS, REFUSED_LIMIT
    if key == CREATE_TOPICS:
        by_hand = MOST_MADE
    if APIS[key].treatment is Treatment.DENY:
        return [("denied", refused, denial)]
    run = request_program(key, version)
    return [
        ("sent on", most_elements(key), lambda frame: run(frame, VIEW, b"consumer")),
        ("refused", refused, lambda frame: refusal(frame, 7, "told")),
        ("judged", by_hand, lambda frame: judge(frame, RIGHTS, Census({}))),
    ]


def milliseconds(function: Callable[[], Any]) -> float:
    """Of this thread alone, the best of the rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = thread_time()
        with suppress(MalformedFrameError, RefusedRequestError):
            function()
        best = min(best, thread_time() - began)
    return best * 1000


if __name__ == "__main__":
    main()

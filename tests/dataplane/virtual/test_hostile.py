"""What a frame costs grows with its elements, and no faster, for every API and version.

Calls are counted, of Python and of C: twice the elements, twice the calls. Where the limit on
elements ends a request, it does so before it has gone through them.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from contract.policy import ConfigRule, NumberRule, TopicRules
from dataplane.virtual import messages
from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.census import Census
from dataplane.virtual.judgement import judge
from dataplane.virtual.programs import request_program
from dataplane.virtual.refusals import denial, refusal
from dataplane.virtual.rights import Rights
from dataplane.wire import compiler
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError
from dataplane.wire.schema import message
from tests.dataplane.virtual.hostile import ASKED, SHAPES, arrays_of, hostile_frame
from tests.dataplane.virtual.instances import ALIASED, VIEW

RULED = Rights(
    vcluster="t",
    account="sa",
    rules=TopicRules(
        name_pattern="[a-z0-9]+",
        partitions=NumberRule(default=2, max=4),
        configs={"retention.ms": ConfigRule(default="60000", max=100000)},
        max_topics=10**6,
        max_partitions=10**6,
    ),
    aliases=frozenset({"borrowed"}),
)
READ_ONLY = Rights(vcluster="t", account="sa", read_only=True)
FEW = 24
AT_MOST = 2.3
CEASES_WITHIN = 3000
"""Calls in which a request is found to be too large, whatever is in it."""


def calls_of(function: Callable[[], Any]) -> int:
    """How many calls a function makes until it returns, or refuses the frame."""
    count = 0

    def note(_frame: FrameType, event: str, _of: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        with suppress(MalformedFrameError, RefusedRequestError):
            function()
    finally:
        sys.setprofile(before)
    return count


def ways(key: int, version: int) -> list[Callable[[bytes], Any]]:
    """All that may happen to a request."""
    if APIS[key].treatment is Treatment.DENY:
        return [denial]
    run = request_program(key, version)
    return [
        lambda frame: run(frame, VIEW, b"consumer"),
        lambda frame: run(frame, ALIASED, b"consumer"),
        lambda frame: refusal(frame, 7, "told"),
        lambda frame: judge(frame, RULED, Census({"there": 3})),
        lambda frame: judge(frame, READ_ONLY, Census({})),
    ]


@pytest.mark.parametrize(("key", "version"), ASKED)
def test_twice_the_elements_cost_twice_as_much(key, version):
    for array in arrays_of(message(key, version, "request")):
        for shape in SHAPES.values():
            few, many = (hostile_frame(key, version, array, n, shape) for n in (FEW, 2 * FEW))
            for way in ways(key, version):
                calls_of(lambda way=way, few=few: way(few))  # what is made once is made now
                before = calls_of(lambda way=way, few=few: way(few))
                after = calls_of(lambda way=way, many=many: way(many))
                assert after <= AT_MOST * before, (array, shape.last, way)


@pytest.mark.parametrize("key", sorted({key for key, _ in ASKED}))
def test_more_than_may_be_looked_at_is_not_looked_at(key):
    version = max(version for asked, version in ASKED if asked == key)
    for array in arrays_of(message(key, version, "request")):
        frame = hostile_frame(key, version, array, messages.MOST_ELEMENTS + 1, SHAPES["tiny"])
        assert calls_of(lambda frame=frame: refusal(frame, 7)) < CEASES_WITHIN, array
        if APIS[key].treatment is Treatment.DENY:
            assert calls_of(lambda frame=frame: denial(frame)) < CEASES_WITHIN, array


def test_what_is_inside_of_subscriptions_is_counted_with_the_rest():
    topics = compiler.MOST_ELEMENTS // 2
    subscription = b"\0\1" + topics.to_bytes(4) + b"\0\1x" * topics + b"\xff" * 4 + b"\0" * 4

    def joins(count: int) -> bytes:
        protocols = b"".join(
            b"\0\5range" + len(subscription).to_bytes(4) + subscription for _ in range(count)
        )
        header = b"\0\x0b\0\0" + b"\0" * 4 + b"\xff\xff"
        body = b"\0\1g" + b"\0\0\x27\x10" + b"\0\0" + b"\0\x08consumer" + count.to_bytes(4)
        return header + body + protocols

    run = request_program(11, 0)
    _, _, elements = run(joins(1), VIEW)
    assert elements == 1 + topics
    with pytest.raises(MalformedFrameError, match="too many elements"):
        run(joins(3), VIEW)

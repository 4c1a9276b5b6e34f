"""No request has more looked at in one go than its limits, whatever it names.

What is sent here took seconds, in which a node served nobody, and lost its lease.
"""

import re
from struct import pack

import pytest

from dataplane.virtual import messages
from dataplane.virtual.messages import decode_request
from dataplane.virtual.programs import most_elements, program, request_program
from dataplane.virtual.refusals import REFUSED_LIMIT, refusal
from dataplane.wire.compiler import MOST_ELEMENTS, source_of
from dataplane.wire.errors import MalformedFrameError
from tests.dataplane.virtual.instances import OFFERED, VIEW

LOOP = re.compile(r"^( *)for _ in range\((\w+)\):$", re.MULTILINE)
METADATA = 3
HEADER = pack(">hhih", METADATA, 1, 9, -1)


def names(count: int, last: bytes = b"\0\1x") -> bytes:
    """A Metadata request that names so many topics."""
    return HEADER + pack(">i", count) + b"\0\1x" * (count - 1) + last


@pytest.mark.parametrize(("key", "version"), OFFERED)
def test_every_array_is_counted_before_it_is_looked_at(key, version):
    for numbered in (False, True):
        source = source_of(program(key, version, "request", numbered))
        for indent, count in LOOP.findall(source):
            assert f"{indent}left -= {count}" in source
        assert f"    left = {most_elements(key)}\n" in source
        assert "left" not in source_of(program(key, version, "response", numbered))


def test_as_many_as_may_be_are_sent_on():
    pieces, _, _ = request_program(METADATA, 1)(names(MOST_ELEMENTS), VIEW)
    assert pieces


def test_one_more_is_malformed():
    with pytest.raises(MalformedFrameError, match="too many elements"):
        request_program(METADATA, 1)(names(MOST_ELEMENTS + 1), VIEW)


def test_as_many_as_may_be_are_refused_one_by_one():
    answer = refusal(names(REFUSED_LIMIT), 7)
    assert answer is not None
    assert answer.count(b"\0\7\0\1x") == REFUSED_LIMIT
    with pytest.raises(MalformedFrameError, match="too many elements: 3001, and at most 3000"):
        refusal(names(REFUSED_LIMIT + 1), 7)


@pytest.mark.parametrize("last", [b"\0\1x", b"\0\0"], ids=["named", "empty"])
def test_more_than_can_be_read_by_hand_are_not_read(last: bytes):
    with pytest.raises(MalformedFrameError, match="too many elements"):
        decode_request(names(messages.MOST_ELEMENTS + 1, last))
    with pytest.raises(MalformedFrameError, match="too many elements"):
        refusal(names(350_000, last), 7)


def test_null_arrays_give_nothing_back():
    count = messages.MOST_ELEMENTS + 1
    resources = b"\2\0\1x" + b"\xff" * 4
    frame = pack(">hhih", 32, 1, 9, -1) + pack(">i", count) + resources * count + b"\0"
    with pytest.raises(MalformedFrameError, match="too many elements"):
        decode_request(frame)
    count = MOST_ELEMENTS // 2
    frame = pack(">hhih", 32, 1, 9, -1) + pack(">i", count) + resources * count + b"\0"
    _, _, elements = request_program(32, 1)(frame, VIEW)
    assert elements == count


def tagged(before: bytes, tags: int, after: bytes = b"") -> bytes:
    """A Metadata request of a version with tags, with empty ones somewhere."""
    section = bytes([tags & 127 | 128, tags >> 7 & 127 | 128, tags >> 14]) + b"\x63\0" * tags
    return pack(">hhih", METADATA, 9, 9, -1) + before + section + after


@pytest.mark.parametrize(
    "frame",
    [
        tagged(b"", MOST_ELEMENTS + 1, b"\1\0\0\0\0"),
        tagged(b"\0\1\0\0\0", MOST_ELEMENTS + 1),
        tagged(b"\0\2\2x", MOST_ELEMENTS, b"\0\0\0\0"),
    ],
    ids=["header", "body", "topic"],
)
def test_tagged_fields_count_as_well(frame: bytes):
    for read in (decode_request, lambda frame: request_program(METADATA, 9)(frame, VIEW)):
        with pytest.raises(MalformedFrameError, match=r"too many elements|does not fit"):
            read(frame)

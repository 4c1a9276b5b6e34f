"""Broken and hostile frames raise one kind of exception and cost no more than their own size."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.virtual.apis import APIS
from dataplane.virtual.messages import decode_request
from dataplane.virtual.programs import request_program, response_program
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError
from tests.dataplane.virtual.instances import (
    OFFERED,
    VIEW,
    generated,
    request_frame,
    response_frame,
)

MESSAGES = [pytest.param(k, v, id=f"{APIS[k].name}-{v}") for k, v in OFFERED]
HOSTILE = (
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff",
    b"\x7f\xff",
    b"\x80\x00",
    b"\x00",
)
"""Lengths of 2^31-1, -1, the lowest int32, and varints of up to 6 bytes."""


def run(key, version, direction, frame):
    try:
        if direction == "request":
            pieces, _, _ = request_program(key, version)(frame, VIEW)
        else:
            pieces = response_program(key, version)(frame, VIEW, b"consumer")
    except (MalformedFrameError, RefusedRequestError):
        return
    # Only what was in the frame came out, with prefixes and the slots' addresses added.
    assert len(pieces) <= 16 + 8 * len(frame)


def valid_frame(key, version, direction, seed):
    body = generated(key, version, direction, seed)
    make = request_frame if direction == "request" else response_frame
    return make(key, version, body)


@pytest.mark.parametrize("direction", ["request", "response"])
@pytest.mark.parametrize(("key", "version"), MESSAGES)
def test_broken_frames_raise_one_exception(key, version, direction):
    seed = random.Random(key * 100 + version)
    frames = [valid_frame(key, version, direction, number) for number in range(2)]
    for _ in range(20):
        frame = bytearray(seed.choice(frames))
        at = seed.randrange(len(frame) + 1)
        match seed.randrange(3):
            case 0:
                del frame[at:]
            case 1:
                bad = seed.choice(HOSTILE)
                frame[at : at + len(bad)] = bad
            case _:
                frame[at : at + 1] = seed.randbytes(seed.randrange(4))
        run(key, version, direction, bytes(frame))


@pytest.mark.parametrize(("key", "version"), MESSAGES)
def test_a_truncated_request_is_malformed(key, version):
    frame = valid_frame(key, version, "request", 1)
    for size in {len(frame) - 1, len(frame) // 2 + 1, 9, 3, 0}:
        if size < len(frame):
            with pytest.raises(MalformedFrameError):
                request_program(key, version)(frame[:size], VIEW)


@given(frame=st.binary(max_size=200), message=st.sampled_from(OFFERED), back=st.booleans())
def test_arbitrary_bytes_raise_one_exception(frame, message, back):
    run(*message, "response" if back else "request", frame)


@given(frame=st.binary(max_size=200), message=st.sampled_from(OFFERED))
def test_arbitrary_bytes_are_not_decoded_into_anything_big(frame, message):
    key, version = message
    start = key.to_bytes(2) + version.to_bytes(2)
    try:
        decode_request(start + frame)
    except MalformedFrameError:
        return


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_frame_may_be_any_buffer(kind):
    frame = valid_frame(0, 9, "request", 3)
    expected, _, _ = request_program(0, 9)(frame, VIEW)
    pieces, _, _ = request_program(0, 9)(kind(frame), VIEW)
    assert b"".join(pieces) == b"".join(expected)

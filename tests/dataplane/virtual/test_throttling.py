"""The time that a client is not listened to, in its answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dataplane.virtual.messages import decode_response
from dataplane.virtual.throttling import throttled
from dataplane.wire.header import Peek
from tests.dataplane.virtual.instances import OFFERED, generated, response_frame

TOLD = [(key, version) for key, version in OFFERED if key in {0, 1} and version > 0]


def cut(frame):
    """A frame in pieces, as programs put them out."""
    return [frame[:3], frame[3:4], frame[4:9], frame[9:]]


@pytest.mark.parametrize(("key", "version"), TOLD)
def test_an_answer_says_how_long_and_is_otherwise_unchanged(key, version):
    for seed in range(4):
        body = generated(key, version, "response", seed)
        frame = response_frame(key, version, replace(body, throttle_time=timedelta()))
        header = Peek(key, version, 7)
        seen = decode_response(key, version, b"".join(throttled(header, cut(frame), 1.5)))
        assert seen.throttle_time == timedelta(milliseconds=1500)
        expected = decode_response(key, version, frame)
        assert replace(seen, throttle_time=timedelta()) == expected


@pytest.mark.parametrize(("key", "version"), TOLD)
def test_a_broker_s_longer_time_stays(key, version):
    body = replace(generated(key, version, "response", 1), throttle_time=timedelta(seconds=9))
    frame = response_frame(key, version, body)
    seen = throttled(Peek(key, version, 7), [frame], 1.5)
    assert decode_response(key, version, b"".join(seen)).throttle_time == timedelta(seconds=9)

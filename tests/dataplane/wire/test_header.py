import pytest

from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import (
    peek,
    request_is_tagged,
    response_header,
    response_is_tagged,
)


def test_peek_reads_key_version_and_correlation_id():
    assert peek(b"\x00\x03\x00\x09\x00\x00\x01\x02rest") == (3, 9, 258)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_peek_takes_any_buffer(kind):
    assert peek(kind(b"\x00\x00\x00\x07\xff\xff\xff\xff")).correlation_id == -1


def test_a_frame_too_short_for_a_header_is_malformed():
    with pytest.raises(MalformedFrameError, match="7 bytes is too short"):
        peek(b"GET / H")


def test_header_versions_come_from_the_schema():
    assert not request_is_tagged(0, 8)
    assert request_is_tagged(0, 9)
    assert not response_is_tagged(3, 8)
    assert response_is_tagged(3, 9)


def test_the_answer_to_api_versions_never_has_a_tagged_header():
    assert request_is_tagged(18, 3)
    assert response_header(18, 3, 5) == b"\0\0\0\5"
    assert response_header(3, 9, 5) == b"\0\0\0\5\0"

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.primitives import (
    encode_bytes,
    encode_count,
    encode_string,
    encode_uvarint,
    only_tags,
    skip_tags,
    uvarint,
)


@given(st.integers(0, 2**31 - 1))
def test_a_varint_reads_back(value):
    encoded = encode_uvarint(value)
    assert uvarint(b"x" + encoded + b"x", 1) == (value, 1 + len(encoded))


@pytest.mark.parametrize("bytes_", [b"\x80\x80\x80\x80\x80\x01", b"\xff\xff\xff\xff\x0f"])
def test_a_varint_beyond_int32_is_malformed(bytes_):
    with pytest.raises(MalformedFrameError, match="no valid varint"):
        uvarint(bytes_, 0)


def test_tagged_fields_are_skipped():
    assert skip_tags(b"\x02\x00\x01a\x05\x02bcREST", 0) == 8


def test_of_the_tagged_fields_only_the_named_ones_stay():
    section = b"\x03\x00\x01a\x01\x02bc\x63\x01z"
    assert only_tags(section + b"REST", 0, frozenset({1, 5})) == (b"\x01\x01\x02bc", len(section))


@pytest.mark.parametrize("section", [b"\xff\xff\xff\xff\x07", b"\x01\x00\x7f"])
def test_tagged_fields_that_cannot_fit_are_malformed(section):
    with pytest.raises(MalformedFrameError):
        only_tags(section, 0, frozenset())


def test_lengths_go_before_values():
    assert encode_string(b"ab", compact=True) == b"\x03ab"
    assert encode_string(b"ab", compact=False) == b"\x00\x02ab"
    assert encode_string(None, compact=True) == b"\x00"
    assert encode_string(None, compact=False) == b"\xff\xff"
    assert encode_bytes(b"ab", compact=False) == b"\x00\x00\x00\x02ab"
    assert encode_bytes(None, compact=False) == b"\xff\xff\xff\xff"
    assert encode_count(-1, compact=True) == b"\x00"
    assert encode_count(2, compact=False) == b"\x00\x00\x00\x02"

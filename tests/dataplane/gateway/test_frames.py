"""Cutting a byte stream into frames."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.gateway.frames import (
    BUFFER_SIZE,
    LENGTH,
    SMALL,
    FrameLimitError,
    FrameReader,
    LentBuffer,
)
from dataplane.wire.primitives import Buffer


def _feed(reader: FrameReader, stream: bytes, step: int) -> list[bytes]:
    frames = []
    while stream:
        room = reader.get_buffer()
        part = stream[: min(step, len(room))]
        assert part, "the reader must always have room"
        room[: len(part)] = part
        frames += reader.received(len(part))
        stream = stream[len(part) :]
    return [bytes(frame) for frame in frames]


def _stream(payloads: list[bytes]) -> bytes:
    return b"".join(LENGTH.pack(len(p)) + p for p in payloads)


sizes = st.one_of(st.integers(1, 50), st.integers(3000, 5000), st.integers(60_000, 200_000))


trust = st.sampled_from([BUFFER_SIZE, 2 * BUFFER_SIZE, 1 << 20])


@given(lengths=st.lists(sizes, max_size=6), step=st.integers(1, 100_000), trusted=trust)
def test_frames_come_out_as_they_went_in(lengths: list[int], step: int, trusted: int) -> None:
    payloads = [bytes([n % 251]) * size for n, size in enumerate(lengths)]
    step = max(step, 500)
    assert _feed(FrameReader(1 << 20, trusted=trusted), _stream(payloads), step) == payloads


@given(
    turns=st.lists(st.tuples(st.integers(0, 2), sizes), max_size=12),
    step=st.integers(500, 100_000),
    cuts=st.randoms(use_true_random=False),
)
def test_connections_that_read_into_one_buffer_in_turn_keep_apart(turns, step, cuts) -> None:
    lent = LentBuffer()
    readers = [FrameReader(1 << 20, lent, trusted=1 << 20) for _ in range(3)]
    payloads = [[bytes([n % 251]) * size for m, size in turns if m == n] for n in range(3)]
    left = [_stream(own) for own in payloads]
    frames: list[list[Buffer]] = [[], [], []]
    while any(left):
        number = cuts.choice([n for n in range(3) if left[n]])
        room = readers[number].get_buffer()
        part = left[number][: min(cuts.randint(1, step), len(room))]
        room[: len(part)] = part
        frames[number] += readers[number].received(len(part))
        left[number] = left[number][len(part) :]
    assert [[bytes(frame) for frame in own] for own in frames] == payloads
    assert [reader.held for reader in readers] == [0, 0, 0]


def test_of_an_incomplete_frame_its_beginning_is_kept_and_nothing_else() -> None:
    reader = FrameReader(1 << 20, LentBuffer())
    assert _feed(reader, _stream([b"x" * 3000, b"y" * 3000])[:5000], 5000) == [b"x" * 3000]
    assert reader.held == 5000 - 3004
    assert _feed(reader, _stream([b"y" * 3000])[1996:], 5000) == [b"y" * 3000]
    assert reader.held == 0


def test_a_connection_that_is_idle_holds_no_buffer() -> None:
    lent, count = LentBuffer(), 100
    tracemalloc.start()
    try:
        readers = [FrameReader(1 << 20, lent) for _ in range(count)]
        for reader in readers:
            _feed(reader, _stream([b"x" * 20_000, b"y" * (SMALL + 1)]), BUFFER_SIZE)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / count < 1024


def test_a_stranger_gets_no_more_room_than_he_fills() -> None:
    reader = FrameReader(1 << 20)
    begun = _stream([b"x" * 1_000_000])[:70_000]
    assert _feed(reader, begun, 1000) == []
    assert len(reader.get_buffer()) <= 2 * len(begun)


def test_what_is_announced_beyond_the_usual_is_made_no_room_for() -> None:
    reader = FrameReader(100 << 20, trusted=1 << 20)
    announced = LENGTH.pack(100 << 20) + b"x"
    assert _feed(reader, announced, 5) == []
    assert len(reader.get_buffer()) < 1 << 20
    assert _feed(reader, b"x" * (3 << 20), BUFFER_SIZE) == []
    assert len(reader.get_buffer()) <= 2 * (3 << 20)


def test_a_single_byte_at_a_time() -> None:
    payloads = [b"a", b"bc", b"d" * 300]
    assert _feed(FrameReader(1 << 20), _stream(payloads), 1) == payloads


def test_frames_stay_valid_while_more_is_read() -> None:
    reader = FrameReader(1 << 20)
    first = _stream([b"x" * 5000])
    reader.get_buffer()[: len(first)] = first
    (kept,) = reader.received(len(first))
    _feed(reader, _stream([b"y" * 5000] * 20), BUFFER_SIZE)
    assert bytes(kept) == b"x" * 5000


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        (b"GET / HTTP/1.1", "HTTP"),
        (b"\x16\x03\x01\x02", "TLS"),
        (b"\xff\xff\xff\xff", "not positive"),
        (b"\x00\x00\x00\x00", "not positive"),
        (b"\x7f\xff\xff\xff", "above the limit of 1000"),
    ],
)
def test_senseless_lengths_are_refused_by_name(prefix: bytes, says: str) -> None:
    reader = FrameReader(1000)
    reader.get_buffer()[: len(prefix)] = prefix
    with pytest.raises(FrameLimitError, match=says):
        reader.received(len(prefix))


def test_a_senseless_length_allocates_nothing() -> None:
    reader = FrameReader(1000)
    reader.get_buffer()[:4] = b"\x7f\xff\xff\xff"
    with pytest.raises(FrameLimitError):
        reader.received(4)
    assert len(reader.get_buffer()) <= BUFFER_SIZE

"""aiokafka decompresses what it did before, as far as there is room for it."""

import os

import pytest
from aiokafka import codec as library
from aiokafka.record import default_records
from aiokafka.record._crecords import default_records as compiled

from upstream import decompressing
from upstream.decompressing import (
    LIBRARY_BYTES,
    TooLargeError,
    TooLargeForLibraryError,
    decompress,
    install,
    limited_to,
)

CODECS = ("gzip", "snappy", "lz4", "zstd")


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    install()
    monkeypatch.setattr(decompressing, "MOST_BYTES", 4 << 20)


def unpacked(codec: str, data: bytes) -> bytes:
    return decompress(CODECS.index(codec) + 1, data)


@pytest.mark.parametrize("parser", [compiled, default_records])
@pytest.mark.parametrize("codec", CODECS)
def test_the_library_is_given_what_is_small(codec, parser):
    value = bytes(LIBRARY_BYTES)
    encode, decode = getattr(library, f"{codec}_encode"), getattr(parser, f"{codec}_decode")
    assert decode(encode(value)) == value
    with pytest.raises(TooLargeForLibraryError, match="is more than 1 MiB when"):
        decode(encode(value + b"\0"))
    with limited_to(1000), pytest.raises(TooLargeError):
        decode(encode(value))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [1, 1000, 1 << 20, (1 << 20) + 1, 4 << 20])
def test_it_is_as_the_library_does_it(codec, size):
    value = (os.urandom(997) * (size // 997 + 1))[:size]
    data = getattr(library, f"{codec}_encode")(value)
    assert unpacked(codec, data) == value == getattr(library, f"{codec}_decode")(data)


def test_snappy_without_xerial_s_blocks_as_well():
    data = library.snappy_encode(b"abc" * 1000, xerial_compatible=False)
    assert unpacked("snappy", data) == b"abc" * 1000


AFTER = b"garbage!" * 5
XERIAL = library.snappy_encode(b"abc" * 1000)
ODD = {
    "gzip, with something behind it": ("gzip", library.gzip_encode(b"abc" * 1000) + AFTER),
    "gzip in two members": (
        "gzip",
        library.gzip_encode(b"abc" * 400) + library.gzip_encode(b"abc" * 600),
    ),
    "lz4, with something behind it": ("lz4", library.lz4_encode(b"abc" * 1000) + AFTER),
    "xerial's blocks of another version": ("snappy", XERIAL[:8] + b"\0\0\0\2" * 2 + XERIAL[16:]),
    "xerial's blocks in two streams": (
        "snappy",
        library.snappy_encode(b"abc" * 400) + library.snappy_encode(b"abc" * 600),
    ),
}
"""What a broker takes, and aiokafka does not read."""


@pytest.mark.parametrize(("codec", "data"), ODD.values(), ids=ODD)
def test_it_is_as_kafka_s_own_clients_do_it(codec, data):
    assert unpacked(codec, data) == b"abc" * 1000
    with limited_to(2999), pytest.raises(TooLargeError):
        unpacked(codec, data)


def test_gzip_in_so_many_members_that_they_take_time_is_refused():
    with pytest.raises(ValueError, match="more than 16 members"):
        unpacked("gzip", library.gzip_encode(b"") * 17)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_larger_is_refused_with_its_size(codec):
    data = getattr(library, f"{codec}_encode")(bytes((4 << 20) + 1))
    with pytest.raises(TooLargeError, match=f"{len(data)} bytes is more than 4 MiB"):
        unpacked(codec, data)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("most", [0, 1000, 1 << 20, 3 << 20])
def test_whoever_reads_may_want_less(codec, most):
    fits, too_large = (getattr(library, f"{codec}_encode")(bytes(most + n)) for n in (0, 1))
    with limited_to(most):
        if most:
            assert unpacked(codec, fits) == bytes(most)
        with pytest.raises(TooLargeError):
            unpacked(codec, too_large)
    assert unpacked(codec, too_large) == bytes(most + 1), "as before"


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_corrupt_is_not_called_large(codec):
    data = getattr(library, f"{codec}_encode")(os.urandom(1000))
    with pytest.raises(Exception, match=r".") as raised:
        unpacked(codec, data[: len(data) // 2])
    assert not isinstance(raised.value, TooLargeError)

"""The compiler on messages that are small enough to write down."""

from types import SimpleNamespace

import pytest

from dataplane.wire.compiler import compile_program, source_of
from dataplane.wire.errors import ForeignNameError, MalformedFrameError, RefusedRequestError
from dataplane.wire.primitives import INT16, encode_uvarint
from dataplane.wire.schema import message
from dataplane.wire.treatments import AddPrefix, Dropped, GivenIfNull, Noted, StripPrefix

VIEW = SimpleNamespace(
    prefix=b"team",
    prefix_size=4,
    grown_compact=tuple(encode_uvarint(n + 4) + b"team" for n in range(128)),
    grown_classic=tuple(INT16.pack(n + 4) + b"team" for n in range(256)),
    count_compact=lambda size: encode_uvarint(size + 1),
    count_classic=INT16.pack,
)
HEARTBEAT, LIST_GROUPS, PRODUCE, DESCRIBE_TOPIC_PARTITIONS = 12, 16, 0, 75
HEADER = b"\x00\x0c\x00\x03\x00\x00\x00\x09\x00\x02me"


def program(api_key, version, direction, treatments, *, tagged_header=False):
    return compile_program(
        "example",
        message(api_key, version, direction),
        direction,
        lambda path, _: treatments.get(path),
        tagged_header=tagged_header,
    )


HEARTBEAT_3 = program(HEARTBEAT, 3, "request", {"group_id": AddPrefix(24)})
LISTED = program(LIST_GROUPS, 0, "response", {"groups[].group_id": StripPrefix(True)})
REST = b"\x00\x00\x00\x01\x00\x01m\xff\xff"
"""Generation, member and (null) instance of a Heartbeat."""


def test_a_name_is_spliced_and_the_rest_is_not_copied():
    frame = HEADER + b"\x00\x03abc" + REST
    pieces, fact, _ = HEARTBEAT_3.run(frame, VIEW)
    assert pieces == [HEADER, b"\x00\x07team", b"abc" + REST]
    assert all(piece.obj is frame for piece in pieces if isinstance(piece, memoryview))
    assert fact is None


def test_the_source_can_be_read():
    source = source_of(HEARTBEAT_3)
    assert "def example(frame: Buffer, view: Any, fact: Any = None) -> Any:" in source
    assert "pieces.append(grown_classic[n])" in source


def test_a_run_of_fixed_fields_and_of_strings_costs_one_addition_each():
    lines = source_of(HEARTBEAT_3).splitlines()
    assert "        n = i16(frame, pos + 4)[0]" in lines  # the generation is not visited


@pytest.mark.parametrize("size", [1, 126, 127, 128, 255, 256, 5000])
def test_names_of_any_length_grow(size):
    pieces, _, _ = HEARTBEAT_3.run(HEADER + INT16.pack(size) + b"g" * size + REST, VIEW)
    assert b"".join(pieces) == HEADER + INT16.pack(size + 4) + b"team" + b"g" * size + REST


def test_an_empty_name_is_refused_with_the_error_of_its_kind():
    with pytest.raises(RefusedRequestError, match="an empty name") as refused:
        HEARTBEAT_3.run(HEADER + b"\x00\x00" + REST, VIEW)
    assert refused.value.error_code == 24


def test_a_name_that_outgrows_its_length_field_is_refused():
    with pytest.raises(RefusedRequestError, match="too long"):
        HEARTBEAT_3.run(HEADER + INT16.pack(32766) + b"g" * 32766 + REST, VIEW)


def test_a_null_name_where_none_may_be_is_malformed():
    with pytest.raises(MalformedFrameError, match="null"):
        HEARTBEAT_3.run(HEADER + b"\xff\xff" + REST, VIEW)


def test_a_truncated_frame_is_malformed():
    frame = HEADER + b"\x00\x03abc" + REST
    for size in range(len(frame)):
        with pytest.raises(MalformedFrameError):
            HEARTBEAT_3.run(frame[:size], VIEW)


def test_trailing_bytes_are_kept():
    pieces, _, _ = HEARTBEAT_3.run(HEADER + b"\x00\x03abc" + REST + b"more", VIEW)
    assert b"".join(pieces).endswith(REST + b"more")


def groups(*names):
    rows = b"".join(INT16.pack(len(name)) + name + b"\x00\x01p" for name in names)
    return b"\x00\x00\x00\x09\x00\x00" + len(names).to_bytes(4) + rows


@pytest.mark.parametrize(
    ("present", "left"),
    [
        ([b"teama", b"other", b"teamb"], [b"a", b"b"]),
        ([b"other", b"teama"], [b"a"]),
        ([b"teama", b"other", b"rival"], [b"a"]),
        ([b"other"], []),
        ([b"team"], []),  # the prefix alone is no name of ours
        ([], []),
    ],
)
def test_foreign_elements_are_left_out_and_the_count_corrected(present, left):
    assert b"".join(LISTED.run(groups(*present), VIEW, None)) == groups(*left)


def test_a_foreign_name_that_cannot_be_left_out_is_an_error():
    strict = program(LIST_GROUPS, 0, "response", {"groups[].group_id": StripPrefix()})
    with pytest.raises(ForeignNameError, match="group_id"):
        strict.run(groups(b"teama", b"other"), VIEW, None)


@pytest.mark.parametrize("count", [2**31 - 1, 1000, 0xFFFFFFFF, 0x80000000])
def test_an_array_that_cannot_fit_is_malformed_at_once(count):
    with pytest.raises(MalformedFrameError):
        LISTED.run(b"\0\0\0\x09\0\0" + count.to_bytes(4) + b"\x00\x01a\x00\x01p", VIEW, None)


def test_an_empty_name_in_an_answer_holds_nothing_foreign():
    assert b"".join(LISTED.run(groups(b""), VIEW, None)) == groups(b"")


def test_a_fact_is_handed_out():
    produce = program(PRODUCE, 3, "request", {"acks": Noted()})
    frame = b"\0\0\0\3\0\0\0\1\xff\xff" + b"\xff\xff" + b"\xff\xff" + b"\0\0\0\1" + b"\0\0\0\0"
    assert produce.run(frame, VIEW)[1] == -1


def test_of_tagged_fields_only_known_ones_pass_that_need_not_go():
    dropping = {"node_endpoints[].host": Dropped()}
    produced = program(PRODUCE, 10, "response", dropping, tagged_header=True)
    frame = b"\0\0\0\1\0" + b"\x01" + b"\0\0\0\0"
    endpoints = b"\x00\x04\x02abc"
    unknown = b"\x63\x01z"
    for tags, left in [
        (b"\x00", b"\x00"),
        (b"\x01" + endpoints, b"\x00"),
        (b"\x02" + endpoints + unknown, b"\x00"),
    ]:
        assert b"".join(produced.run(frame + tags, VIEW, None)) == frame + left
    passing = program(PRODUCE, 10, "response", {}, tagged_header=True)
    tags = b"\x02" + endpoints + unknown
    assert b"".join(passing.run(frame + tags, VIEW, None)) == frame + b"\x01" + endpoints


def test_a_tagged_field_that_would_have_to_be_changed_cannot_be_compiled():
    with pytest.raises(TypeError, match="can pass or be dropped, not be changed"):
        program(PRODUCE, 10, "response", {"node_endpoints[].host": StripPrefix()})


CURSOR = b"\1\x08teamabc\0\0\0\3\0"


def page(cursor):
    return b"\0\0\0\7" + b"\0\0\0\0" + b"\1" + cursor + b"\0"


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (CURSOR, b"\1\x04abc\0\0\0\3\0"),
        (CURSOR.replace(b"team", b"Team"), b"\xff"),
        (b"\xff", b"\xff"),
    ],
)
def test_a_struct_with_a_foreign_name_becomes_null(sent, seen):
    listed = {"next_cursor.topic_name": StripPrefix(leave_out_foreign=True)}
    produced = program(DESCRIBE_TOPIC_PARTITIONS, 0, "response", listed)
    assert b"".join(produced.run(page(sent), VIEW, None)) == page(seen)


def test_a_struct_that_is_null_can_be_given():
    def cursor(_view):
        return CURSOR

    given = {"cursor": GivenIfNull(cursor)}
    produced = program(DESCRIBE_TOPIC_PARTITIONS, 0, "request", given)
    start = b"\0\x4b\0\0\0\0\0\1\xff\xff" + b"\1" + b"\0\0\0\5"
    pieces, _, _ = produced.run(start + b"\xff\0", VIEW)
    assert b"".join(pieces) == start + CURSOR + b"\0"


def test_a_struct_that_is_null_stays_so_after_a_name_was_noted():
    def cursor(_view):
        return CURSOR

    treatments = {"topics[].name": AddPrefix(17, noted=True), "cursor": GivenIfNull(cursor)}
    produced = program(DESCRIBE_TOPIC_PARTITIONS, 0, "request", treatments)
    header, rest = b"\0\x4b\0\0\0\0\0\1\xff\xff", b"\0\0\0\5" + b"\xff\0"
    pieces, fact, _ = produced.run(header + b"\2\2a\0" + rest, VIEW)
    assert b"".join(pieces) == header + b"\2\6teama\0" + rest
    assert fact is True

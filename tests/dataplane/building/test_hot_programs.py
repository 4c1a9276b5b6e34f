import pytest

import dataplane
from dataplane.building.hot_programs import HOT, module_of, modules
from dataplane.compiled.loading import Form
from dataplane.compiled.programs import module_name
from dataplane.virtual.programs import program
from dataplane.virtual.view import Listener, View
from dataplane.wire.errors import MalformedFrameError

VIEW = View(
    vcluster="teamA",
    cluster_id="virtual",
    listeners=(Listener("localhost", 6969),),
    brokers=(1,),
    cluster_index=0,
)
PRODUCE_12 = bytes.fromhex("0000000c00000007ffff0000ffff000075300206") + (
    b"users" + bytes.fromhex("020000000004616263000000")
)
"""Of three bytes that are no batch, to a topic called users."""


def written(which):
    """A module as it is compiled, but interpreted."""
    namespace = {}
    exec(module_of(program(*which)), namespace)
    return namespace


@pytest.mark.parametrize("which", HOT, ids=str)
def test_it_is_compiled_if_anything_is(which):
    is_compiled = dataplane.FORM is Form.COMPILED
    assert (type(program(*which).run).__name__ == "builtin_function_or_method") is is_compiled


@pytest.mark.parametrize("version", [9, 10, 11, 12])
def test_versions_that_look_the_same_share_a_module(version):
    assert module_name(program(0, version, "request")) in modules()


def test_a_program_with_another_schema_has_another_module():
    assert module_name(program(0, 8, "request")) != module_name(program(0, 9, "request"))


def test_what_is_written_does_what_the_program_does():
    pieces, acks, elements = written((0, 12, "request"))["run"](PRODUCE_12, VIEW)
    assert b"".join(pieces) == PRODUCE_12.replace(b"\x06users", b"\x0bteamAusers")
    assert (acks, elements) == (-1, 2)


def test_what_is_written_ends_at_bad_bytes_as_well():
    with pytest.raises(MalformedFrameError):
        written((0, 12, "request"))["run"](PRODUCE_12[:-8], VIEW)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_frames_of_all_kinds_come_out_alike(kind):
    pieces, *facts = program(0, 12, "request").run(kind(PRODUCE_12), VIEW)
    assert b"".join(pieces) == PRODUCE_12.replace(b"\x06users", b"\x0bteamAusers")
    assert facts == [-1, 2]

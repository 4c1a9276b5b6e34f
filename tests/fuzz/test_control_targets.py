"""What the control plane reads is fed to the fuzzer, all of it; and what was found stays mended."""

import pytest

from contract.codec import UnknownRecordError, decode, encode
from contract.records import Record, VirtualCluster, key_of
from controlplane.mirrors.worker_status import failure_in
from fuzz.control_targets import control_targets, written_seeds
from fuzz.feeding import feed

TARGETS = {target.name: target for target in control_targets()}


@pytest.mark.parametrize("name", written_seeds())
def test_what_the_fuzzer_begins_with_is_read(name):
    for seed in written_seeds()[name]:
        TARGETS[name].run(seed)


def test_a_control_record_that_is_nested_too_deeply_cannot_be_read():
    deep = b'{"v":1,"state":' + b"[" * 100_000
    with pytest.raises(UnknownRecordError):
        decode(deep)
    feed(TARGETS["control record"], deep)


@pytest.mark.parametrize("value", [b"", b"{", b'{"state":1}', b"\xff", b"[" * 100_000])
def test_what_a_worker_notes_unreadably_says_nothing(value):
    assert failure_in(b"status-task-MirrorSourceConnector-0", value) is None
    assert failure_in(b"status-task-MirrorSourceConnector-\xff", b'{"state":"FAILED"}') is None


def test_a_tag_that_is_no_text_makes_a_control_record_unreadable():
    """A node then stays fenced (rule N8); any other exception would end it."""
    state = VirtualCluster(name="teamA", scope="main", cluster_id="x")
    good = encode(Record(log="log", seq=7, key=key_of(state), state=state))
    with pytest.raises(UnknownRecordError):
        decode(good.replace(b'"vcluster"', b'"vcl\xf5ster"'))

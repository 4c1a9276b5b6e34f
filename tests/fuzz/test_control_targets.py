"""What the control plane reads is fed to the fuzzer, all of it; and what was found stays mended."""

import ast
from pathlib import Path

import pytest

from contract.codec import UnknownRecordError, decode, encode
from contract.records import Record, VirtualCluster, key_of
from controlplane.mirrors.worker_status import failure_in
from fuzz.control_targets import QUESTIONS, control_targets, written_seeds
from fuzz.feeding import feed

ROOT = Path(__file__).parents[2]
TARGETS = {target.name: target for target in control_targets()}


def asked() -> set[str]:
    """Modules of kio whose requests the control plane makes."""
    found = set()
    for folder in ("controlplane", "upstream"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kio.sch"):
                    found |= _requests(node)
    return {module for module in found if not module.startswith("sasl_")}


def _requests(node: ast.ImportFrom) -> set[str]:
    module = (node.module or "").removeprefix("kio.schema.")
    if module.endswith(".request"):
        return {module.removesuffix(".request")}
    return {module} if "request" in {name.name for name in node.names} else set()


def test_every_answer_that_is_read_is_a_target():
    assert {module for module, _ in QUESTIONS} == asked()


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

"""Consumer groups under planned switches, there and back: nothing is read twice, nothing missed."""

import os
from contextlib import ExitStack
from typing import Any

import pytest

from reliability.readers import READERS, Reader, seen_by
from sandbox.process import wait_until
from tests.system.load import Load
from tests.system.mirror import Mirror
from tests.system.operator import PATIENCE, Operator, end_of

pytestmark = [pytest.mark.environment, pytest.mark.timeout(240)]

TOPICS = ["orders", "users"]
GROUP = "readers"


TELLING = ("librdkafka eager", "Java cooperative", "Java KIP-848")
"""`make readers` has all kinds, as the soaks have."""
KINDS = READERS if "INTERLOCK_ALL_READERS" in os.environ else TELLING


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_reads_everything_once(operator: Operator, vcluster: str, kind: str):
    for topic in TOPICS:
        operator.create_topic(vcluster, topic)
    operator.wait_for_agreement()
    clients = [operator.client(vcluster, gateway) for gateway in (0, 1)]
    with ExitStack() as reading:
        readers = [
            reading.enter_context(READERS[kind](client, GROUP, TOPICS, number))
            for number, client in enumerate(clients)
        ]
        with ExitStack() as writing:
            loads = [writing.enter_context(Load([operator.client(vcluster)], t)) for t in TOPICS]
            wait_until(lambda: all(r.given for r in readers), "both members read", PATIENCE)
            for _ in range(2):
                assert switch(operator, vcluster)["restless"] == []
                for load in loads:
                    load.wait_for_more(40)
        wait_until(lambda: read_all(loads, readers), "everything was read", PATIENCE)
    assert [load.errors for load in loads] == [[], []]
    assert [reader.errors for reader in readers] == [[], []]
    assert_read_once(loads, readers)


def switch(operator: Operator, vcluster: str) -> dict[str, Any]:
    """Switch with a mirror of all topics; what was recorded when the fence was ordered."""
    source = operator.cluster(operator.routing()["cluster"])
    to = operator.other_cluster()
    target = operator.cluster(to)
    seq = operator.events()[-1]["seq"]
    with ExitStack() as running:
        for topic in TOPICS:
            physical = vcluster + topic
            start = end_of(target, physical)
            running.enter_context(Mirror(source, target, physical, start))
        answer = operator.switch(to, wait="mirror")
        assert answer.json() == {"message": "Cluster switched"}
    (fence,) = operator.events(after=seq, kind="switch.fence_ordered")
    data: dict[str, Any] = fence["data"]
    return data


def read_all(loads: list[Load], readers: list[Reader]) -> bool:
    return len(seen_by(readers)) == sum(len(load.acknowledgements) for load in loads)


def assert_read_once(loads: list[Load], readers: list[Reader]) -> None:
    seen = seen_by(readers)
    sent = {
        (topic, acknowledgement.value)
        for topic, load in zip(TOPICS, loads, strict=True)
        for acknowledgement in load.acknowledgements
    }
    assert sorted(sent - set(seen)) == [], "missed"
    assert sorted((key, n) for key, n in seen.items() if n > 1) == [], "read twice"

"""`docs/lost-tail.md`: where a copy is ahead, what is asked of the control plane, and its answer.

With `INTERLOCK_WRITE_DOCS=1` the table is written, else compared.
"""

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from contract.clusters_file import ClusterProperties
from contract.codec import LAYOUT, encode
from contract.records import CONTROL_TOPIC, Beacon, Record
from controlplane.publisher.broadcast import read_broadcast
from controlplane.publisher.topics import create_if_missing, delete_and_wait
from tests.controlplane.conftest import Running, eventually, in_process
from tests.controlplane.fake_node import NODE_TOKEN, FakeNode
from tests.controlplane.lost_tail import restore
from tests.controlplane.nodes import serving_nodes

pytestmark = pytest.mark.environment

TARGET: Final = Path(__file__).parents[2] / "docs" / "lost-tail.md"
NODE: Final = {"Authorization": f"Bearer {NODE_TOKEN}"}
ANOTHER_LOG: Final = str(uuid4())

Reset = Callable[[], Awaitable[None]]


async def _ready(plane: Running, _: FakeNode) -> str:
    answer = await plane.client.get("/health/ready")
    return f"{answer.status_code}, {'objection' if answer.json()['objection'] else 'ready'}"


async def _leads(plane: Running, _: FakeNode) -> str:
    """Leading is publishing, ordering the mirror and moving switches on."""

    async def stood_down() -> bool:
        return not (await plane.client.get("/health/ready")).json()["leading"]

    await eventually(stood_down)
    return "stands down"


async def _plan(plane: Running, _: FakeNode) -> str:
    question = {"toCluster": "failover"}
    answer = (await plane.client.post("/api/v1/switch-plans", json=question)).json()
    failed = [check["name"] for check in answer["checks"] if not check["passed"]]
    return f"no-go: {', '.join(failed)}" if failed else "go"


async def _switch(plane: Running, _: FakeNode) -> str:
    params = {"to": "failover", "wait": "none"}
    return str(
        (
            await plane.client.post("/admin/pclusters/v1/pcluster/main/switch", params=params)
        ).status_code
    )


async def _create(plane: Running, _: FakeNode) -> str:
    body = {"name": "another"}
    return str((await plane.client.post("/api/v1/virtual-clusters", json=body)).status_code)


async def _register(plane: Running, _: FakeNode) -> str:
    body = {"incarnation": "i"}
    answer = await plane.client.put("/internal/v1/nodes/n9", json=body, headers=NODE, auth=None)
    return str(answer.status_code)


async def _lease(_: Running, node: FakeNode) -> str:
    async def refused() -> bool:
        return not node.granted

    await eventually(refused)
    return "refused"


async def _reconcile(plane: Running, _: FakeNode) -> str:
    shown = await plane.client.get("/api/v1/log/reconciliation")
    return "shows the difference" if shown.status_code == 200 else str(shown.status_code)


ASKED: Final[Mapping[str, Callable[[Running, FakeNode], Awaitable[str]]]] = {
    "`/health/ready`": _ready,
    "to lead": _leads,
    "`switch plan`": _plan,
    "a switch": _switch,
    "a command": _create,
    "a node registers": _register,
    "a lease": _lease,
    "`control reconcile`": _reconcile,
}


def _says(node: FakeNode, **changes: object) -> Reset:
    node.says = dict(changes)

    async def reset() -> None:
        node.says = {}

    return reset


class Broadcast:
    """The control topic, in which something is written that no control plane wrote."""

    def __init__(self, cluster: ClusterProperties) -> None:
        self.cluster = cluster

    async def says(self, log: str, seq: int, digest: str) -> Reset:
        await delete_and_wait(self.cluster, CONTROL_TOPIC)
        await create_if_missing(self.cluster, CONTROL_TOPIC, {})
        beacon = Beacon(seq=seq, digest=digest, layout=LAYOUT)
        record = Record(log=log, seq=seq, key="beacon", state=beacon)
        async with AIOKafkaProducer(bootstrap_servers=self.cluster.bootstrap_servers) as producer:
            await producer.send_and_wait(CONTROL_TOPIC, encode(record), key=b"beacon")
        return self._reset

    async def _reset(self) -> None:
        await delete_and_wait(self.cluster, CONTROL_TOPIC)


async def _contradicted(
    plane: Running, node: FakeNode, broadcast: Broadcast, database_url: str
) -> AsyncIterator[tuple[str, Reset]]:
    """One circumstance after the other; each is over before the next begins."""
    seq = (await plane.client.get("/health/ready")).json()["seq"]
    log = (await plane.client.get("/api/v1/control-topic")).json()["log"]
    yield "a node is ahead", _says(node, applied_seq=seq + 5)
    yield "a node has another state", _says(node, digest="other")
    yield "a node follows another log", _says(node, log=ANOTHER_LOG)
    yield "the control topic is ahead", await broadcast.says(log, seq + 5, "d")
    yield "the control topic has another state", await broadcast.says(log, seq, "other")
    yield "the control topic is of another log", await broadcast.says(ANOTHER_LOG, 3, "d")
    await restore(database_url, seq - 1)

    async def stays() -> None:
        """The database is what it is."""

    yield "the control plane itself has read more", stays


async def _answers(plane: Running, node: FakeNode) -> list[str]:
    async def objects() -> bool:
        return (await plane.client.get("/health/ready")).json()["objection"] is not None

    await eventually(objects)
    return [await ask(plane, node) for ask in ASKED.values()]


PREFACE: Final = (
    "Written by `tests/controlplane/test_lost_tail_table.py` from a control plane on real Postgres"
    " and Kafka ([ADR 27](adr/0027-a-log-that-lost-its-tail.md)). Columns are what is asked of it;"
    " to lead is to publish, to order the mirror, and to move switches on."
)


def _page(rows: Mapping[str, list[str]]) -> str:
    lines = [
        "# A log that lost its tail: where a copy is ahead, and what is answered",
        "",
        PREFACE,
        "",
        f"| where | {' | '.join(ASKED)} |",
        f"|{'---|' * (len(ASKED) + 1)}",
        *(f"| {where} | {' | '.join(answers)} |" for where, answers in rows.items()),
    ]
    return "\n".join(lines) + "\n"


async def test_what_is_answered_is_as_documented(variables, clusters, database_url):
    properties = {"bootstrap.servers": clusters.failover}
    cluster = ClusterProperties(name="failover", role="failover", properties=properties)
    rows = {}
    async with in_process(variables) as plane, serving_nodes(plane) as (node,):
        log = (await plane.client.get("/api/v1/control-topic")).json()["log"]

        async def nothing_is_wrong() -> bool:
            """And the leader has broadcast what it knows: it writes over nothing any more."""
            answer = (await plane.client.get("/health/ready")).json()
            told = (await read_broadcast(cluster)).copy()
            leads = answer["objection"] is None and answer["leading"]
            return leads and told is not None and (told.log, told.seq) == (log, answer["seq"])

        circumstances = _contradicted(plane, node, Broadcast(cluster), database_url)
        async with contextlib.aclosing(circumstances):
            async for where, reset in circumstances:
                rows[where] = await _answers(plane, node)
                await reset()
                if "itself" not in where:
                    await eventually(nothing_is_wrong)
    if os.environ.get("INTERLOCK_WRITE_DOCS"):
        TARGET.write_text(_page(rows))
    assert TARGET.read_text() == _page(rows)

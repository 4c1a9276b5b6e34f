"""Clients that let large frames lie: others go on, they do not, and nothing stays behind."""

import asyncio
import gc
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from ssl import SSLContext

import pytest
from structlog.testing import capture_logs

from dataplane.gateway import gateway as gateway_module
from dataplane.gateway.memory_pool import MemoryPool
from dataplane.gateway.node_memory import NodeMemory
from sandbox.ports import Ports
from tests.dataplane.gateway.conftest import Stage, scripted_stage
from tests.dataplane.gateway.logins import trusting
from tests.dataplane.gateway.scripted import (
    FETCH,
    FETCH_4,
    PRODUCE,
    RawClient,
    ScriptedBroker,
    eventually,
    request,
)

MIB = 1024 * 1024
LARGE = 20 * MIB
"""Bytes of an answer that fits into no socket's buffers."""


class Reader:
    def __init__(self, pool: MemoryPool) -> None:
        self.pool = pool
        self.held: bytearray | None = None

    def take_memory(self) -> bool:
        self.held = self.pool.try_allocate(5, 0.0)
        return self.held is not None


def test_who_has_waited_longest_reads_on_first():
    memory = NodeMemory(node_bytes=100, account_bytes=5)
    account = memory.new_account("sa")
    held = account.allocate(5, 0.0)
    first, second = (Reader(MemoryPool(within=account)) for _ in range(2))
    memory.wait(first, 1.0)
    memory.wait(second, 2.0)
    memory.wait(first, 3.0)
    memory.go_on()
    assert memory.waiting == 2
    assert memory.used_up_since(1.0) is None
    assert memory.used_up_since(1.5) is account
    del held
    memory.go_on()
    assert (first.held is None, second.held is None, memory.waiting) == (False, True, 1)
    memory.gone(second)
    assert memory.used_up_since(9.0) is None


@pytest.fixture
def _nothing_is_collected() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@asynccontextmanager
async def twelve(stage: Stage, context: SSLContext | None = None) -> AsyncIterator[list[RawClient]]:
    """Clients of one account, which may take as much as two of the large answers."""
    stage.gateway.accounts.of("tenant", "sa").memory.size = 2 * LARGE
    async with AsyncExitStack() as stack:
        connected = []
        for _ in range(12):
            connection = await RawClient.connect(stage.bootstrap, context)
            await stack.enter_async_context(connection)
            await connection.authenticate(stage.token())
            connected.append(connection)
        yield connected


@pytest.fixture
async def clients(scripted: Stage) -> AsyncIterator[list[RawClient]]:
    async with twelve(scripted) as connected:
        yield connected


def _large_answer() -> bytes:
    """Of Fetch version 4, with records that nobody looks into."""
    partition = struct.pack(">ihqqii", 0, 0, 0, 0, -1, LARGE)
    return struct.pack(">iih7si", 0, 1, 7, b"tenantt", 1) + partition + bytes(LARGE)


async def _fetch(clients: list[RawClient], broker: ScriptedBroker) -> None:
    """All of them ask, the broker answers, and nobody reads."""
    for client in clients:
        client.send(request(FETCH, 4, 10, FETCH_4))
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport
        (await broker.next()).answer(_large_answer())


@pytest.mark.usefixtures("_nothing_is_collected")
async def test_answers_that_nobody_reads_take_no_more_than_the_account_may(
    scripted: Stage, broker: ScriptedBroker, clients: list[RawClient], monkeypatch
):
    memory = scripted.gateway.memory
    await _fetch(clients, broker)
    await eventually(lambda: memory.waiting == 10)
    assert memory.node.used < 3 * LARGE
    async with await RawClient.connect(scripted.bootstrap) as other:
        await other.authenticate(scripted.token(username="other"), "other")
        other.send(request(FETCH, 4, 11, FETCH_4))
        (await broker.next()).answer(_large_answer())
        await other.skip(LARGE)
    with capture_logs() as lines:
        monkeypatch.setattr(gateway_module, "MEMORY_LIMIT", 0.2)
        await eventually(lambda: scripted.gateway.counters.closed_for_memory >= 3)
        monkeypatch.setattr(gateway_module, "MEMORY_LIMIT", 60.0)
    closed = next(line for line in lines if line["event"] == "client connection closed")
    assert closed["user"] == "sa"
    assert "account sa of tenant uses" in closed["reason"]
    assert closed["reason"].endswith(f"of {2 * LARGE} bytes")
    for client in clients:
        client.writer.transport.abort()
    await eventually(lambda: not scripted.gateway.connections)
    await eventually(lambda: memory.node.used == 0)
    assert memory.waiting == 0


async def test_who_waits_for_memory_gets_its_answer_when_others_have_read_theirs(
    scripted: Stage, broker: ScriptedBroker, clients: list[RawClient]
):
    await _fetch(clients, broker)
    await eventually(lambda: scripted.gateway.memory.waiting == 10)

    async def read(client: RawClient) -> None:
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # a read transport
        async with asyncio.timeout(30):
            await client.reader.readexactly(4 + 4 + len(_large_answer()) - len("tenant"))

    await asyncio.gather(*map(read, clients))
    assert scripted.gateway.counters.connections_closed_by_node == 0
    await eventually(lambda: scripted.gateway.memory.node.used == 0)


@pytest.mark.usefixtures("_nothing_is_collected")
async def test_what_is_encrypted_is_counted_as_well(
    broker: ScriptedBroker, gateway_ports: Ports, tmp_path: Path, monkeypatch, authority
):
    variables = {
        "GATEWAY_SECURITY_PROTOCOL": "SASL_SSL",
        "GATEWAY_SSL_KEY_STORE_PATH": authority.issue("gateway"),
    }
    port = gateway_ports.gateway(0)
    context = trusting(authority.file)
    async with (
        scripted_stage(broker, port, tmp_path, monkeypatch, **variables) as stage,
        twelve(stage, context) as clients,
    ):
        await _fetch(clients, broker)
        await eventually(lambda: stage.gateway.memory.waiting == 10)
        monkeypatch.setattr(gateway_module, "MEMORY_LIMIT", 0.2)
        await eventually(lambda: stage.gateway.counters.closed_for_memory >= 3)
        for client in clients:
            client.writer.transport.abort()
        await eventually(lambda: not stage.gateway.connections)
        await eventually(lambda: stage.gateway.memory.node.used == 0)


@pytest.mark.usefixtures("_nothing_is_collected")
async def test_requests_that_are_not_sent_to_their_end_are_counted_and_given_back(
    scripted: Stage, clients: list[RawClient], monkeypatch
):
    memory = scripted.gateway.memory
    begun = request(PRODUCE, 3, 10, bytes(50 * MIB))[: 15 * MIB]
    for client in clients:
        client.send(begun)
    await eventually(lambda: memory.waiting > 8, 20)
    assert memory.node.used < 2 * LARGE + 32 * MIB
    for client in clients:
        client.writer.transport.abort()
    monkeypatch.setattr(gateway_module, "MEMORY_LIMIT", 0.2)
    await eventually(lambda: not scripted.gateway.connections)
    await eventually(lambda: memory.node.used == 0)


async def test_a_fence_does_not_wait_for_memory(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    held = scripted.gateway.memory.node.allocate(10 * 1024 * MIB // 16, 0.0)
    client.send(
        request(FETCH, 4, 10, FETCH_4),
        request(PRODUCE, 3, 11, struct.pack(">hhii", -1, 1, 1000, 0)),
    )
    fetch, write = await broker.next(), await broker.next()
    fetch.answer(_large_answer())
    write.answer(struct.pack(">ii", 0, 0))
    await eventually(lambda: scripted.gateway.memory.waiting == 1)
    await scripted.switch("main")
    assert scripted.gateway.scope("main").cut == 0
    del held

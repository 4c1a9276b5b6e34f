"""A node whose control plane lets it go, as a process: it ends, and says why in one line."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from contract.records import Node, Record
from contract.session import RecordsAnswer, SessionAnswer
from dataplane.gateway.http import Message, server
from sandbox.ports import Ports, reserved_ports

pytestmark = pytest.mark.environment

Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


class ScriptedControlPlane:
    """Registers whoever comes, and says what the test wants."""

    def __init__(self) -> None:
        self.log = "first"
        self.incarnation = ""
        self.seq = 0
        self.is_forgotten = False
        self.followed = asyncio.Event()
        """Set once the node has all that there was."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        answer: object = {}
        if scope["method"] == "PUT":
            self.incarnation, self.seq = msgspec.json.decode(body)["incarnation"], 1
        elif scope["method"] == "GET":
            answer = await self._records(scope["query_string"].decode())
        else:
            refusal = "the test does not grant any"
            answer = SessionAnswer(
                granted=False, lease_s=5.0, head_seq=0, records=(), refusal=refusal
            )
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": msgspec.json.encode(answer)})

    async def _records(self, query: str) -> RecordsAnswer:
        if f"after={self.seq}&" in query:
            self.followed.set()
            await asyncio.sleep(0.05)
        node = Node(node_id="node-1", incarnation=self.incarnation)
        state = None if self.is_forgotten else node
        record = Record(log=self.log, seq=self.seq, key="node/node-1", state=state)
        return RecordsAnswer(log=self.log, head_seq=self.seq, records=(record,))


@pytest.fixture
def ports():
    with reserved_ports() as reserved:
        yield reserved


@pytest.fixture
async def control_plane(ports: Ports) -> AsyncIterator[ScriptedControlPlane]:
    scripted = ScriptedControlPlane()
    http = server(scripted, "127.0.0.1", ports.admin_api(0))
    serving = asyncio.ensure_future(http.serve())
    yield scripted
    http.should_exit = True
    await serving


@pytest.fixture
async def node(ports: Ports, tmp_path: Path, control_plane: ScriptedControlPlane):
    clusters = tmp_path / "clusters.yaml"
    clusters.write_text("config:\n  main:\n    bootstrap.servers: 127.0.0.1:1\n")
    environment = {
        "GATEWAY_BACKEND_KAFKA_SELECTOR": f"file : {{ path: {clusters} }}",
        "GATEWAY_USER_POOL_SECRET_KEY": base64.b64encode(b"k" * 32).decode(),
        "GATEWAY_BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT_START": str(ports.gateway(0)),
        "INTERLOCK_NODE_ID": "node-1",
        "INTERLOCK_NODE_TOKEN": "secret",
        "INTERLOCK_HTTP_PORT": str(ports.gateway_http(0)),
        "INTERLOCK_CONTROL_PLANES": f"http://127.0.0.1:{ports.admin_api(0)}",
    }
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("interlock")),
        "gateway",
        env=os.environ | environment,
        stderr=asyncio.subprocess.PIPE,
    )
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


async def _last_words(process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert b"Traceback" not in errors
    assert process.returncode == 1
    return errors.decode().splitlines()[-1]


async def test_a_node_whose_id_another_process_took_ends(
    control_plane: ScriptedControlPlane, node: asyncio.subprocess.Process
):
    await asyncio.wait_for(control_plane.followed.wait(), 20)
    control_plane.incarnation = "another"
    control_plane.seq += 1
    assert "another process registered as node node-1" in await _last_words(node)


async def test_a_node_that_was_forgotten_ends(
    control_plane: ScriptedControlPlane, node: asyncio.subprocess.Process
):
    await asyncio.wait_for(control_plane.followed.wait(), 20)
    control_plane.is_forgotten = True
    control_plane.seq += 1
    assert "node node-1 was forgotten by an operator" in await _last_words(node)


async def test_a_node_ends_when_its_control_plane_begins_a_new_log(
    control_plane: ScriptedControlPlane, node: asyncio.subprocess.Process
):
    await asyncio.wait_for(control_plane.followed.wait(), 20)
    control_plane.log = "second"
    assert "begun a new log" in await _last_words(node)


async def test_a_node_that_is_told_to_stop_ends_quietly(
    control_plane: ScriptedControlPlane, node: asyncio.subprocess.Process
):
    await asyncio.wait_for(control_plane.followed.wait(), 20)
    node.terminate()
    async with asyncio.timeout(10):
        _, errors = await node.communicate()
    assert node.returncode == 0
    assert b"node stopped" in errors
    assert b"Traceback" not in errors

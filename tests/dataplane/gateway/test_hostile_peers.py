"""Peers that send garbage, or nothing: they lose their connections, and nobody else notices."""

import asyncio
import random
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from dataplane.gateway import gateway as gateway_module
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import (
    API_VERSIONS,
    RawClient,
    eventually,
    framed,
    request,
)
from tests.dataplane.virtual.instances import OFFERED, generated, request_frame

pytestmark = [pytest.mark.environment, pytest.mark.timeout(180)]

CROWD = 10_000
QUIET_CROWD = """
import socket, struct, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
beginnings = [b"", b"\\0\\0", struct.pack(">i", 500_000) + b"\\0\\x12\\0\\3"]
peers = []
for number in range(count):
    peer = socket.create_connection(("127.0.0.1", port))
    peer.sendall(beginnings[number % 3])
    peers.append(peer)
sys.stdin.readline()
"""
"""Opens connections that say nothing, half a length, or the beginning of a long frame."""


@pytest.fixture(autouse=True)
async def _nothing_unexpected() -> AsyncIterator[None]:
    """Whatever comes in, nothing is raised that nobody catches."""
    raised: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: raised.append(what))
    yield
    assert raised == []


async def works(stage: Stage) -> None:
    """Whether somebody else is served: logs in, and asks something."""
    async with await RawClient.connect(stage.bootstrap) as other:
        assert await other.authenticate(stage.token()) == 0
        other.send(request(API_VERSIONS, 0, 9, b""))
        assert (await other.receive())[1][:2] == b"\0\0"


def garbage(seed: random.Random) -> bytes:
    """Frames of any bytes, valid requests with some bytes changed, and streams without frames."""
    match seed.randrange(3):
        case 0:
            return framed(seed.randbytes(seed.choice([1, 9, 200, 5000])))
        case 1:
            return seed.randbytes(seed.choice([4, 50, 70_000]))
        case _:
            key, version = seed.choice(OFFERED)
            frame = bytearray(request_frame(key, version, generated(key, version, "request", 1)))
            for _ in range(4):
                frame[seed.randrange(len(frame))] = seed.randrange(256)
            return framed(bytes(frame))


@pytest.mark.parametrize("logged_in", [False, True], ids=["stranger", "tenant"])
async def test_garbage_costs_its_sender_the_connection_and_one_line(stage: Stage, logged_in):
    with capture_logs() as lines:
        for number in range(150):
            async with await RawClient.connect(stage.bootstrap) as peer:
                if logged_in:
                    assert await peer.authenticate(stage.token()) == 0
                peer.send(garbage(random.Random(number)))
                peer.writer.write_eof()
                async with asyncio.timeout(10):
                    with suppress(ConnectionResetError):
                        await peer.reader.read()
            if number % 50 == 0:
                await works(stage)
    await works(stage)
    await eventually(lambda: not stage.gateway.connections)
    closed = [line for line in lines if line["event"] == "client connection closed"]
    assert 20 < len(closed) <= 150
    assert all(line["reason"] and "\n" not in str(line) for line in closed)


@pytest.fixture
def crowd(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """A process with all those connections."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    command = [sys.executable, "-c", QUIET_CROWD, stage.bootstrap.split(":")[1], str(CROWD)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


async def test_a_crowd_that_says_nothing_does_not_stop_others(stage: Stage, monkeypatch, crowd):
    monkeypatch.setattr(gateway_module, "AUTHENTICATION_LIMIT", 300.0)
    with capture_logs():
        await eventually(lambda: len(stage.gateway.connections) == CROWD, 120)
        for _ in range(20):
            await works(stage)
        assert len(stage.gateway.connections) >= CROWD
        monkeypatch.setattr(gateway_module, "AUTHENTICATION_LIMIT", 0.0)
        await eventually(lambda: not stage.gateway.connections, 60)
    monkeypatch.setattr(gateway_module, "AUTHENTICATION_LIMIT", 30.0)
    await works(stage)

"""What a connection that does nothing costs a node in memory (`--count 2000`).

Clients and a broker are in a process of their own. Each client logs in and has one Produce request
answered, so that a broker connection is there behind it; the gateway's resident memory is compared
before and after. Kernel buffers are not in it.
"""

import argparse
import asyncio
import base64
import json
import resource
import struct
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import jwt
import psutil
import uvloop

from contract.clusters_file import ClusterProperties
from contract.fold import ControlState
from contract.records import Cluster, Face, Record, Routing, State, VirtualCluster, key_of
from dataplane.gateway import topology
from dataplane.gateway.gateway import Gateway
from dataplane.node.machine import Command, Order
from dataplane.settings import GatewaySettings
from sandbox.ports import reserved_ports

KEY = b"k" * 32
HANDSHAKE, AUTHENTICATE, PRODUCE = 17, 36, 0
WRITE = struct.pack(">hhii", -1, 1, 1000, 0)
WRITTEN = struct.pack(">ii", 0, 0)
"""Produce version 3 without a topic, and the answer to it."""
FILES = 65_536
AT_ONCE = 50


def framed(payload: bytes) -> bytes:
    """With its length in front."""
    return struct.pack(">i", len(payload)) + payload


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: int, version: int, body: bytes
) -> None:
    """One request, and its answer."""
    writer.write(framed(struct.pack(">hhih", key, version, 1, -1) + body))
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    await reader.readexactly(size)


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A broker that has taken every write."""
    try:
        while True:
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            (correlation_id,) = struct.unpack_from(">i", await reader.readexactly(size), 4)
            writer.write(framed(struct.pack(">i", correlation_id) + WRITTEN))
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        writer.close()


async def peers() -> None:
    """The other process: says where the broker is, hears of the gateway, connects, and waits."""
    broker = await asyncio.start_server(answer_all, "127.0.0.1", 0)
    sys.stdout.write(f"{broker.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    told = json.loads(await asyncio.to_thread(sys.stdin.readline))
    secret = f"\0sa\0{told['token']}".encode()
    connected = []

    async def client() -> None:
        async with at_once:
            reader, writer = await asyncio.open_connection("127.0.0.1", told["port"])
            await ask(reader, writer, HANDSHAKE, 1, struct.pack(">h5s", 5, b"PLAIN"))
            await ask(reader, writer, AUTHENTICATE, 0, struct.pack(">i", len(secret)) + secret)
            await ask(reader, writer, PRODUCE, 3, WRITE)
            connected.append(writer)

    at_once = asyncio.Semaphore(AT_ONCE)
    for count in (told["warm"], told["count"]):
        await asyncio.gather(*(client() for _ in range(count)))
        sys.stdout.write("connected\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)


def gateway_on(port: int, broker: int, folder: Path) -> Gateway:
    """A gateway that serves one virtual cluster on one broker."""

    async def addresses(cluster: ClusterProperties) -> dict[int, tuple[str, int]]:  # noqa: ARG001
        return {1: ("127.0.0.1", broker)}

    topology.ask_brokers = addresses
    file = folder / "clusters.yaml"
    file.write_text(f"config:\n  main:\n    bootstrap.servers: 127.0.0.1:{broker}\n")
    control = ControlState()
    settings = GatewaySettings(
        GATEWAY_BACKEND_KAFKA_SELECTOR=f"file : {{ path: {file} }}",
        GATEWAY_USER_POOL_SECRET_KEY=base64.b64encode(KEY).decode(),
        INTERLOCK_NODE_TOKEN="bench",
        GATEWAY_ADVERTISED_HOST="localhost",
        GATEWAY_BIND_HOST="127.0.0.1",
        GATEWAY_PORT_START=port,
    )
    gateway = Gateway(settings, control)
    states: tuple[State, ...] = (
        Cluster(name="main", index=0, role="upstream", cluster_id="main", brokers=(1,)),
        Face(slots=1, api_versions=dict.fromkeys(range(100), (0, 30))),
        VirtualCluster(name="bench", scope="main", cluster_id="bench"),
    )
    for seq, state in enumerate(states, start=1):
        record = Record(log="bench", seq=seq, key=key_of(state), state=state)
        control.apply(record)
        gateway.record_applied(record)
    return gateway


async def measure(count: int, port: int, folder: Path) -> float:
    """KiB of resident memory for each of so many clients, with their broker connections."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--peers"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    gateway = gateway_on(port, int(await child.stdout.readline()), folder)
    running = asyncio.ensure_future(gateway.run())
    gateway.set_lease(float("inf"))
    routing = Routing(scope="main", cluster="main", epoch=0, state="serving", term=0)
    gateway.carry_out(Command(Order.SERVE, routing))
    await gateway.accepting.wait()
    expiry = int(datetime.now(UTC).timestamp()) + 600
    claims = {"username": "sa", "vcluster": "bench", "exp": expiry}
    told = {"port": port, "token": jwt.encode(claims, KEY, "HS256"), "warm": 100, "count": count}
    child.stdin.write(json.dumps(told).encode() + b"\n")
    await child.stdout.readline()
    before = psutil.Process().memory_info().rss
    child.stdin.write(b"\n")
    await child.stdout.readline()
    after = psutil.Process().memory_info().rss
    child.stdin.write(b"\n")
    await child.wait()
    running.cancel()
    return (after - before) / count / 1024


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--peers", action="store_true")
    chosen = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, FILES), most))
    if chosen.peers:
        asyncio.run(peers())
        return
    with reserved_ports() as ports, tempfile.TemporaryDirectory() as folder:
        port = ports.gateway(0)
        kib = uvloop.run(measure(chosen.count, port, Path(folder)))
    sys.stdout.write(f"{chosen.count} idle connections: {kib:.1f} KiB each, both sides together\n")


if __name__ == "__main__":
    main()

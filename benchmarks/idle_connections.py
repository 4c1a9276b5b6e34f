"""What a connection that does nothing costs a node in memory (`--count 2000`).

Clients and a broker are in a process of their own. Each client logs in and has one Produce request
answered, so that a broker connection is there behind it; the gateway's resident memory is compared
before and after. Kernel buffers are not in it.
"""

import argparse
import asyncio
import json
import resource
import struct
import sys
import tempfile
from pathlib import Path

import psutil
import uvloop
from lone_gateway import gateway_on, open_door, token

from sandbox.ports import reserved_ports

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
    open_door(gateway)
    await gateway.accepting.wait()
    told = {"port": port, "token": token(), "warm": 100, "count": count}
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

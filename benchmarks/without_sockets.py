"""Microseconds of a Produce request and its answer in the gateway's own code, without sockets.

`python benchmarks/without_sockets.py`; the tree that is measured is the first one on `PYTHONPATH`.
With `--count` it prints nothing and goes through so many requests: run under
`valgrind --tool=callgrind` with two counts, the difference is the instructions of a request.
"""

import argparse
import gc
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from lone_gateway import gateway_on, open_door
from writes import log_in, write, written

from dataplane.gateway.client_connection import ClientConnection
from dataplane.gateway.upstream_connection import UpstreamConnection

ROUNDS = 15
EACH = 2000


class Wire:
    """A transport that carries nothing."""

    def __init__(self) -> None:
        self.sent = 0

    def write(self, data: Any) -> None:
        self.sent += len(data)

    def writelines(self, buffers: Any) -> None:
        self.sent += sum(map(len, buffers))

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else None

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        raise SystemExit("the gateway closed a connection")

    abort = close


def feed(protocol: Any, data: bytes, most: int = 64 * 1024) -> None:
    """As a loop does, in reads of so many bytes at most."""
    view = memoryview(data)
    while view:
        buffer = protocol.get_buffer(-1)
        count = min(len(view), len(buffer), most)
        buffer[:count] = view[:count]
        protocol.buffer_updated(count)
        view = view[count:]


class Stage:
    """One client that has logged in, and its broker."""

    def __init__(self, folder: Path) -> None:
        gateway = gateway_on(1, 1, folder)
        open_door(gateway)
        self.client, self.broker = Wire(), Wire()
        gateway.dial = self._dialled
        self._lent = (gateway.lent_buffer,) if hasattr(gateway, "lent_buffer") else ()
        self.connection = ClientConnection(gateway, 0)
        self.connection.connection_made(self.client)
        for request in log_in():
            feed(self.connection, request)

    def _dialled(self, relay: Any, scope: Any) -> None:  # noqa: ARG002
        self.upstream = UpstreamConnection(relay, 0, *self._lent)
        self.upstream.connection_made(self.broker)
        relay.upstream_opened(self.upstream)

    def turn(self, requests: bytes, answers: bytes, most: int) -> None:
        """A read of the client, and one of its broker."""
        feed(self.connection, requests, most)
        feed(self.upstream, answers)


async def measure(arguments: argparse.Namespace, folder: Path) -> None:
    stage = Stage(folder)
    most = arguments.read
    requests = write(arguments.size) * arguments.in_flight
    answers = written() * arguments.in_flight
    stage.turn(requests, answers, most)
    before = stage.client.sent
    stage.turn(requests, answers, most)
    assert stage.client.sent > before + arguments.in_flight * 30, "no answer came"
    if arguments.count:
        for _ in range(arguments.count // arguments.in_flight):
            stage.turn(requests, answers, most)
        return
    gc.disable()
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(EACH // arguments.in_flight):
            stage.turn(requests, answers, most)
        taken.append((time.process_time() - began) / EACH * 1e6)
    print(f"{min(taken):.2f} us, {arguments.in_flight} in flight, {arguments.size} bytes")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--read", type=int, default=64 * 1024, help="bytes of a read at most")
    parser.add_argument("--count", type=int, default=0)
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(measure(parser.parse_args(), Path(folder)))


if __name__ == "__main__":
    main()

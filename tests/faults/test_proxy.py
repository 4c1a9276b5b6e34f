import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.faults.proxy import FaultProxy


class Echo(socketserver.BaseRequestHandler):
    heard: bytes = b""

    def handle(self):
        while data := self.request.recv(100):
            type(self).heard += data
            self.request.sendall(data)


@pytest.fixture
def server() -> Iterator[int]:
    Echo.heard = b""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening.server_address[1]
        listening.shutdown()
        thread.join()


@contextmanager
def connected(proxy: FaultProxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        yield client


def answered_within(client: socket.socket, seconds: float) -> bytes:
    client.settimeout(seconds)
    try:
        return client.recv(100)
    except TimeoutError:
        return b""


def test_it_passes_everything(server: int):
    with FaultProxy(server) as proxy, connected(proxy) as client:
        client.sendall(b"hello")
        assert answered_within(client, 5) == b"hello"


def test_a_cut_holds_everything_back_until_it_is_mended(server: int):
    with FaultProxy(server) as proxy, connected(proxy) as client:
        proxy.cut()
        client.sendall(b"hello")
        assert answered_within(client, 0.1) == b""
        assert Echo.heard == b""
        proxy.mend()
        assert answered_within(client, 5) == b"hello"


def test_a_cut_of_the_answers_lets_requests_through(server: int):
    with FaultProxy(server) as proxy, connected(proxy) as client:
        proxy.cut(requests=False)
        client.sendall(b"hello")
        assert answered_within(client, 0.1) == b""
        assert Echo.heard == b"hello"
        proxy.mend()
        assert answered_within(client, 5) == b"hello"


def test_a_slow_way_is_slow(server: int):
    with FaultProxy(server) as proxy, connected(proxy) as client:
        proxy.slow_down(0.3)
        client.sendall(b"hello")
        assert answered_within(client, 0.1) == b""
        assert answered_within(client, 5) == b"hello"


def test_who_finds_no_server_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    with (
        FaultProxy(nobody) as proxy,
        connected(proxy) as client,
        suppress(ConnectionResetError),
    ):
        assert client.recv(100) == b"", "the connection is closed, with or without a reset"

"""Clients that keep some writes in flight, and the broker behind the gateway: one loop, no JVM.

Nothing is looked at but how many bytes came: all requests are alike, and so are their answers.
"""

import select
import socket
import time
from collections.abc import Callable

from lone_gateway import VCLUSTER
from writes import log_in, write, written

ONE_READ = 256 * 1024


class Load:
    """A broker, and clients that come to it through a gateway."""

    def __init__(self, size: int) -> None:
        """Batches of so many bytes."""
        self._request, self._answer = write(size), written()
        self._rewritten = 0
        self._poll = select.epoll()
        self._told: dict[int, Callable[[], None]] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listen(self._listener, self._accept)
        self._clients = 0
        self._paused = True
        self._held: list[Callable[[], None]] = []
        self.answered = 0
        self.port = self._listener.getsockname()[1]

    def connect(self, port: int, clients: int, in_flight: int) -> None:
        """So many clients log in at a gateway, and write when they may."""
        for _ in range(clients):
            client = socket.create_connection(("127.0.0.1", port))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for request in log_in():
                client.sendall(request)
                client.recv(4096)
            self._begin(client, in_flight)

    def run(self, seconds: float) -> int:
        """The writes that were answered within so much time."""
        before, ends_at = self.answered, time.monotonic() + seconds
        while time.monotonic() < ends_at:
            self.turn()
        return self.answered - before

    def turn(self) -> None:
        for file, _ in self._poll.poll(0.1):
            self._told[file]()

    def pause(self) -> None:
        """Ask no more, and wait until all is answered: the gateway does nothing then."""
        self._paused = True
        while len(self._held) < self._clients:
            self.turn()

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        held, self._held = self._held, []
        for ask in held:
            ask()

    def close(self) -> None:
        self._poll.close()
        self._listener.close()

    def _listen(self, readable: socket.socket, told: Callable[[], None]) -> None:
        self._told[readable.fileno()] = told
        self._poll.register(readable, select.EPOLLIN)

    def _begin(self, client: socket.socket, in_flight: int) -> None:
        burst, owed = self._request * in_flight, (len(self._answer) - len(VCLUSTER)) * in_flight
        came = 0

        def told() -> None:
            nonlocal came
            data = client.recv(ONE_READ)
            if not data:
                raise SystemExit("the gateway closed a connection")
            came += len(data)
            if came == owed:
                came = 0
                self.answered += in_flight
                ask()

        def ask() -> None:
            if self._paused:
                self._held.append(ask)
            else:
                client.sendall(burst)

        self._clients += 1
        self._listen(client, told)
        ask()

    def _accept(self) -> None:
        broker, _ = self._listener.accept()
        broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        came = 0

        def told() -> None:
            nonlocal came
            data = broker.recv(ONE_READ)
            if not data:
                self._poll.unregister(broker)
                broker.close()
                return
            came += len(data)
            if not self._rewritten:
                self._rewritten = int.from_bytes(data[:4]) + 4
            complete, came = divmod(came, self._rewritten)
            if complete:
                broker.sendall(self._answer * complete)

        self._listen(broker, told)

"""A client that sends whatever bytes a test wants to a gateway's Kafka port."""

import socket
import struct
from typing import Self

SASL_HANDSHAKE = 17
SASL_AUTHENTICATE = 36
SASL_AUTHENTICATION_FAILED = 58


class RawClient:
    """One TCP connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("localhost", port), timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def peer(self) -> str:
        """This end, as the gateway's log names it."""
        host, port = self._socket.getsockname()[:2]
        return f"{host}:{port}"

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read_to_end(self) -> bytes:
        """All that still comes until the gateway closes the connection."""
        received = b""
        while chunk := self._receive():
            received += chunk
        return received

    def _receive(self, limit: int = 65536) -> bytes:
        try:
            return self._socket.recv(limit)
        except ConnectionResetError:
            return b""

    def ask(self, api: int, version: int, body: bytes) -> bytes:
        """Send a request with a version 1 header; the answer after its correlation id."""
        header = struct.pack(">hhi", api, version, 7) + string("raw")
        self.send(struct.pack(">i", len(header + body)) + header + body)
        (length,) = struct.unpack(">i", self._exactly(4))
        return self._exactly(length)[4:]

    def log_in(self, password: str, user: str = "sa") -> tuple[int, str | None]:
        """SASL/PLAIN; Kafka's error code and message."""
        assert self.ask(SASL_HANDSHAKE, 1, string("PLAIN"))[:2] == b"\0\0"
        credentials = f"\0{user}\0{password}".encode()
        body = struct.pack(">i", len(credentials)) + credentials
        answer = self.ask(SASL_AUTHENTICATE, 0, body)
        code, length = struct.unpack_from(">hh", answer)
        return code, answer[4 : 4 + length].decode() if length >= 0 else None

    def _exactly(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            chunk = self._receive(count - len(received))
            assert chunk, "the gateway closed the connection"
            received += chunk
        return received


def string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()

"""A connection to a gateway that is nothing but a socket, logged in as an account."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from struct import Struct
from typing import Final, NamedTuple

from contract.cluster_security import Password
from upstream.login import Login
from upstream.sasl.plain import PlainClient

_LENGTH: Final = Struct(">i")
LOGIN_S: Final = 10.0


class Account(NamedTuple):
    """Who connects, and where."""

    port: int
    token: str


class RawConnection:
    """Sends payloads of frames and reads them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, payload: bytes) -> None:
        """Send a request, whatever is in it."""
        self.writer.write(_LENGTH.pack(len(payload)) + payload)

    async def receive(self) -> bytes:
        """The payload of the next answer. Raises OSError or EOFError when the connection ends."""
        (size,) = _LENGTH.unpack(await self.reader.readexactly(_LENGTH.size))
        return await self.reader.readexactly(size)

    async def log_in(self, token: str) -> None:
        """Show a token. Raises LoginRefusedError."""
        login = Login(PlainClient(Password(mechanism="PLAIN", username="sa", password=token)))
        request: bytes | None = login.begin()
        while request is not None:
            self.send(request)
            request = login.answered(await self.receive())


@asynccontextmanager
async def connected(account: Account, *, logs_in: bool = True) -> AsyncIterator[RawConnection]:
    """A connection that is cut at the end.

    Raises:
        OSError, EOFError, TimeoutError: the gateway does not serve it.
        LoginRefusedError: the account is not let in.
    """
    async with asyncio.timeout(LOGIN_S):
        connection = RawConnection(*await asyncio.open_connection("127.0.0.1", account.port))
    try:
        if logs_in:
            async with asyncio.timeout(LOGIN_S):
                await connection.log_in(account.token)
        yield connection
    finally:
        connection.writer.transport.abort()

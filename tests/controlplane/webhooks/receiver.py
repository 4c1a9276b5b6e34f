"""A receiver of web hooks on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec


@dataclass
class Receiver:
    """Answers as it is told to, and notes what it gets."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; 204 once there are none; 0: none at all."""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """Headers and body of each request."""

    @property
    def seqs(self) -> list[int]:
        return [msgspec.json.decode(body)["seq"] for _, body in self.got]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                lines = (line.split(": ", 1) for line in head.splitlines()[1:-1])
                headers = {name.lower(): value for name, value in lines}
                body = await reader.readexactly(int(headers["content-length"]))
                self.got.append((headers, body))
                status = self.answers.pop(0) if self.answers else 204
                if status:
                    writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def receiving(*answers: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(answers=list(answers))
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        receiver.url = f"http://{host}:{port}/hook/T0KEN"
        yield receiver

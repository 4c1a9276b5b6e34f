"""A web server for one test: answers what it is told to, and notes what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class WebServer:
    """Serves one document."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.status = "200 OK"
        self.asked: list[bytes] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/it"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [
            x.split(b":")[1] for x in head.lower().split(b"\r\n") if x[:15] == b"content-length:"
        ]
        body = await reader.readexactly(int(lengths[0])) if lengths else b""
        self.asked.append(head + body)
        length = len(self.document)
        writer.write(
            f"HTTP/1.1 {self.status}\r\nContent-Length: {length}\r\n"
            "Connection: close\r\n\r\n".encode()
            + self.document
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def web_server(document: bytes) -> AsyncIterator[WebServer]:
    web = WebServer(document)
    server = await asyncio.start_server(web.answer, "127.0.0.1", 0)
    web.port = server.sockets[0].getsockname()[1]
    async with server:
        yield web

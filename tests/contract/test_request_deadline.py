"""A request that does not come whole in time costs its connection, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from contract.request_deadline import DeadlinedProtocol

WITHIN_S = 0.3
WHOLE = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"


class _Impatient(DeadlinedProtocol):
    whole_within_s = WITHIN_S


async def _slow(scope, receive, send):
    """Answers after twice the time that a request may take to come."""
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(2 * WITHIN_S)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


@asynccontextmanager
async def served() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that is not patient."""
    config = uvicorn.Config(_slow, port=0, http=_Impatient, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = server.force_exit = True
        await server.shutdown()


async def _is_cut(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(20):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


@pytest.mark.parametrize("begun", [b"", b"POST / HT", WHOLE[:30], WHOLE[:-1]])
async def test_half_a_request_is_waited_for_no_longer(begun):
    async with served() as (reader, writer):
        writer.write(begun)
        assert await _is_cut(reader)


async def test_a_slow_answer_is_not_cut_and_the_next_request_has_its_own_time():
    async with served() as (reader, writer):
        for _ in range(2):
            writer.write(WHOLE)
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"0\r\n\r\n")
        writer.write(WHOLE[:9])
        assert await _is_cut(reader)

"""A way to a server that can be made slow, or cut in one direction or in both."""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Self

_CHUNK = 65536


class Lane:
    """One direction of every connection. Bytes that are held back arrive once it is open again."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.open = asyncio.Event()
        self.open.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes until either end closes."""
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await asyncio.sleep(self.delay_s)
                await self.open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


class FaultProxy:
    """Stands before a server of this machine while it is entered."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        """Where clients find it; known once it is entered."""
        self._server_port = server_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, *, requests: bool = True, answers: bool = True) -> None:
        """Let nothing through any more, as a network that loses every packet."""
        self._do(self._set_open(requests=not requests, answers=not answers))

    def slow_down(self, delay_s: float) -> None:
        """Hold every answer back for a while."""
        self._do(self._set_delay(delay_s))

    def mend(self) -> None:
        """Let everything through."""
        self._do(self._set_open(requests=True, answers=True))
        self._do(self._set_delay(0.0))

    def _do(self, work: Any) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)
        done.result(10)

    async def _start(self) -> None:
        self._requests, self._answers = Lane(), Lane()
        self._connections: set[asyncio.Task[Any]] = set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _set_open(self, *, requests: bool, answers: bool) -> None:
        for lane, wanted in ((self._requests, requests), (self._answers, answers)):
            if wanted:
                lane.open.set()
            else:
                lane.open.clear()

    async def _set_delay(self, delay_s: float) -> None:
        self._answers.delay_s = delay_s

    async def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        this = asyncio.current_task()
        assert this is not None
        self._connections.add(this)
        forth: asyncio.StreamWriter | None = None
        try:
            server, forth = await asyncio.open_connection("127.0.0.1", self._server_port)
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(self._requests.carry(client, forth))
                lanes.create_task(self._answers.carry(server, back))
        except OSError:
            pass  # the server is away: the client sees its connection closed
        except asyncio.CancelledError:
            pass  # the proxy ends, and nobody waits for this task's outcome
        finally:
            for writer in (back, forth):
                if writer is not None:
                    writer.transport.abort()
            self._connections.discard(this)

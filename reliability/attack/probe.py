"""The victim's process: `python -m reliability.attack.probe PORT TOKEN TOPIC`.

Writes a record every 20 ms, one after the other, until its input ends. Prints as JSON for each when
it was sent, by the monotonic clock that all processes share, and how long its acknowledgement took.
"""

import asyncio
import struct
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from reliability.attack.connection import Account, RawConnection, connected
from upstream.sasl.mechanism import LoginRefusedError

EVERY_S: Final = 0.02
_PATIENCE_S: Final = 60.0
_ENDS: Final = (OSError, EOFError, TimeoutError, LoginRefusedError)


class Probed(msgspec.Struct, frozen=True):
    """What the victim saw."""

    waits: list[tuple[float, float]]
    """When a record was sent, and how long it took."""
    lost_connections: int


class Probe:
    """Writes until it is told to stop."""

    def __init__(self, account: Account, topic: str) -> None:
        self._account = account
        self._topic = topic
        self._waits: list[tuple[float, float]] = []
        self._lost = 0

    async def run(self, stop: asyncio.Event) -> Probed:
        """Come back whenever the connection ends."""
        while not stop.is_set():
            try:
                async with connected(self._account) as connection:
                    await self._write(connection, stop)
            except _ENDS:
                self._lost += 1
                await asyncio.sleep(EVERY_S)
        return Probed(self._waits, self._lost)

    async def _write(self, connection: RawConnection, stop: asyncio.Event) -> None:
        while not stop.is_set():
            sent = time.monotonic()
            connection.send(_produce_to(self._topic, len(self._waits)))
            async with asyncio.timeout(_PATIENCE_S):
                await connection.receive()
            self._waits.append((sent, time.monotonic() - sent))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY_S)


def _produce_to(topic: str, number: int) -> bytes:
    """Produce 3 with one record of 100 bytes, of now, acknowledged by the leader."""
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 10_000)
    builder.append(0, int(datetime.now(UTC).timestamp() * 1000), None, b"%0100d" % number, [])
    batch = bytes(builder.build())
    name, client = topic.encode(), b"victim"
    return (
        struct.pack(">hhih", 0, 3, 1, len(client))
        + client
        + struct.pack(">hhiih", -1, 1, 30_000, 1, len(name))
        + name
        + struct.pack(">iii", 1, 0, len(batch))
        + batch
    )


async def _until_input_ends(stop: asyncio.Event) -> None:
    await asyncio.to_thread(sys.stdin.read)
    stop.set()


async def _main() -> None:
    port, token, topic = sys.argv[1:]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_until_input_ends(stop))
        probing = tasks.create_task(Probe(Account(int(port), token), topic).run(stop))
    sys.stdout.write(msgspec.json.encode(probing.result()).decode())


if __name__ == "__main__":
    asyncio.run(_main())

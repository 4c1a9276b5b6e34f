"""The attacker's process: `python -m reliability.attack.attacker PORT TOKEN SECONDS SEED MARK`.

Prints what it did as JSON at its end.
"""

import asyncio
import os
import random
import struct
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec

from reliability.attack import requests
from reliability.attack.connection import Account, connected
from upstream.sasl.mechanism import LoginRefusedError

_AT_ONCE: Final = 24
_ANSWER_S: Final = 5.0
_HOLD_S: Final = 3.0
_BACK_S: Final = 0.2
_ENDS: Final = (OSError, EOFError, TimeoutError, LoginRefusedError)


class Attack:
    """Many clients at once, each of which does the next bad thing when it is done with one."""

    def __init__(self, account: Account, seed: random.Random, mark: bytes) -> None:
        """`mark` is in every name that is not the attacker's to see."""
        self.done: Counter[str] = Counter()
        self._account = account
        self._seed = seed
        self._mark = mark

    async def run(self, seconds: float) -> None:
        """Attack for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                for _ in range(_AT_ONCE):
                    tasks.create_task(self._again_and_again())

    async def _again_and_again(self) -> None:
        ways = (self._asks, self._asks, self._asks, self._does_not_read, self._announces)
        await self._attempt(self._makes_topic)
        while True:
            way = self._seed.choice((*ways, self._churns, self._says_half))
            await self._attempt(way)

    async def _attempt(self, way: Callable[[], Awaitable[None]]) -> None:
        try:
            await way()
        except _ENDS as end:
            self.done[f"ended: {type(end).__name__}"] += 1
            await asyncio.sleep(_BACK_S)

    async def _makes_topic(self) -> None:
        async with connected(self._account) as connection:
            connection.send(requests.create([requests.TOPIC]))
            await connection.receive()

    async def _asks(self) -> None:
        async with connected(self._account) as connection:
            for _ in range(20):
                connection.send(requests.hostile(self._seed))
                self.done["requests"] += 1
                async with asyncio.timeout(_ANSWER_S):
                    answer = await connection.receive()
                self.done["answers"] += 1
                if self._mark in answer:
                    self.done["foreign names"] += 1

    async def _does_not_read(self) -> None:
        async with connected(self._account) as connection:
            connection.send(requests.produce(self._seed, os.urandom(500_000)))
            for number in range(100):
                connection.send(requests.fetch(number))
            self.done["answers left unread"] += 100
            await asyncio.sleep(_HOLD_S)

    async def _announces(self) -> None:
        async with connected(self._account) as connection:
            connection.writer.write(struct.pack(">i", 100 << 20) + b"\0\0\0\3" + bytes(2000))
            self.done["frames announced"] += 1
            await asyncio.sleep(_HOLD_S)

    async def _churns(self) -> None:
        names = [f"t{self._seed.randrange(30)}" for _ in range(3)]
        async with connected(self._account) as connection:
            for request in (requests.create(names), requests.delete(names)):
                connection.send(request)
                async with asyncio.timeout(_ANSWER_S):
                    await connection.receive()
            self.done["topics made and deleted"] += len(names)

    async def _says_half(self) -> None:
        async with connected(self._account, logs_in=False) as connection:
            connection.writer.write(b"\0\0")
            self.done["half a length"] += 1
            await asyncio.sleep(_HOLD_S)


def main() -> None:
    """Attack, and tell."""
    port, token, seconds, seed, mark = sys.argv[1:]
    os.nice(19)  # its processor is somebody else's
    dice = random.Random(seed)  # noqa: S311 - it is to be repeated, not to be a secret
    attack = Attack(Account(int(port), token), dice, mark.encode())
    asyncio.run(attack.run(float(seconds)))
    sys.stdout.write(msgspec.json.encode(attack.done).decode())


if __name__ == "__main__":
    main()

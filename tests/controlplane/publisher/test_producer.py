"""When one message is not taken, nobody is told of the others as of something unexpected."""

import asyncio
import gc
from typing import Any

import pytest
from aiokafka.errors import ProducerFenced

from controlplane.publisher.producer import send_all


class Fenced:
    """A producer that takes some messages, and then finds that another has its id."""

    def __init__(self, takes: int) -> None:
        self.sent: list[dict[str, Any]] = []
        self._takes = takes
        self._waiting: list[asyncio.Future[None]] = []

    async def send(self, **message: Any) -> asyncio.Future[None]:
        if len(self.sent) == self._takes:
            self._fail()
            raise ProducerFenced
        self.sent.append(message)
        acknowledgement = asyncio.get_running_loop().create_future()
        self._waiting.append(acknowledgement)
        if len(self.sent) == 3:
            asyncio.get_running_loop().call_soon(self._fail)
        return acknowledgement

    def _fail(self) -> None:
        for acknowledgement in self._waiting:
            if not acknowledgement.done():
                acknowledgement.set_exception(ProducerFenced())
        self._waiting.clear()


@pytest.mark.parametrize("takes", [1, 2, 3])
async def test_no_acknowledgement_is_left_unseen(takes):
    unexpected: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: unexpected.append(what))
    opened = Fenced(takes)
    with pytest.raises(ProducerFenced):
        await send_all(opened, ({"topic": "t", "value": b"%d" % n} for n in range(3)))
    assert [message["value"] for message in opened.sent] == [b"0", b"1", b"2"][:takes]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del opened
    gc.collect()
    assert unexpected == []

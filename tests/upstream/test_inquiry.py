"""Questions to a broker: one that was cut off, and one to a cluster that lists no broker."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from struct import pack, unpack

import pytest
from kio.schema.metadata.v9.request import MetadataRequest
from kio.schema.metadata.v9.response import MetadataResponse, MetadataResponseBroker
from kio.schema.types import BrokerId
from kio.serial import entity_reader, entity_writer
from kio.static.primitive import i32, i32Timedelta

from contract.clusters_file import ClusterProperties
from upstream import inquiry as inquiry_module
from upstream.access import access_to
from upstream.inquiry import Inquiry, InquiryError, inquiry

ASKED = MetadataRequest(
    topics=(),
    allow_auto_topic_creation=False,
    include_cluster_authorized_operations=False,
    include_topic_authorized_operations=False,
)


class Broker:
    """Answers every question with a number of its own, one of them late if need be."""

    def __init__(self, late: int = 0, *, fenced: bool = False) -> None:
        self.port = 0
        self.asked = 0
        self._late = late
        self._fenced = fenced
        self._go_on = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
        self.known = [self]
        """The brokers that it lists, the first of which has the number 1."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield
            self.answer_late()
            for writer in self._writers:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    def answer_late(self) -> None:
        """Have the late answer come now."""
        self._go_on.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(EOFError, OSError):
            while True:
                (length,) = unpack(">i", await reader.readexactly(4))
                frame = await reader.readexactly(length)
                self.asked += 1
                number = self.asked
                if number == self._late:
                    await self._go_on.wait()
                writer.write(self._answer(frame, number))

    def _answer(self, frame: bytes, number: int) -> bytes:
        read_header = entity_reader(MetadataRequest.__header_schema__)
        header, _ = read_header(frame, 0)
        known = tuple(
            MetadataResponseBroker(
                node_id=BrokerId(number), host="127.0.0.1", port=i32(broker.port), rack=None
            )
            for number, broker in enumerate(self.known, start=1)
        )
        answer = MetadataResponse(
            throttle_time=i32Timedelta.parse(0 * i32Timedelta.resolution),
            brokers=() if self._fenced else known,
            cluster_id=None,
            controller_id=BrokerId(number),
            topics=(),
        )
        out = io.BytesIO()
        schema = MetadataResponse.__header_schema__
        entity_writer(schema)(out, schema(correlation_id=header.correlation_id))
        entity_writer(MetadataResponse)(out, answer)
        return pack(">i", out.tell()) + out.getvalue()


def cluster_of(*brokers: Broker) -> ClusterProperties:
    servers = ",".join(f"127.0.0.1:{broker.port}" for broker in brokers)
    return ClusterProperties(name="main", role="main", properties={"bootstrap.servers": servers})


async def test_an_answer_that_was_not_waited_for_is_not_taken_for_the_next():
    broker = Broker(late=2)
    async with broker.running(), inquiry(access_to(cluster_of(broker))) as asked:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asked.ask(1, ASKED)
        assert broker.asked == 2
        broker.answer_late()
        (answer,) = await asked.ask(1, ASKED)
        assert answer.controller_id == 3


async def test_a_cluster_whose_controller_has_fenced_every_broker_says_so():
    """As one does for a moment after a pause: whoever asks must not die of it."""
    broker = Broker(fenced=True)
    async with broker.running():
        asking = Inquiry(access_to(cluster_of(broker)))
        with pytest.raises(InquiryError, match="lists no broker at present"):
            await asking.begin()


async def test_another_server_may_know_of_brokers():
    fenced, broker = Broker(fenced=True), Broker()
    async with fenced.running(), broker.running():
        asking = Inquiry(access_to(cluster_of(fenced, broker)))
        await asking.begin()
        assert asking.brokers == (1,)


async def test_whichever_broker_answers_will_do(monkeypatch):
    """A silent one costs its patience once: the one that has answered is asked first from then."""
    monkeypatch.setattr(inquiry_module, "_PATIENCE_S", 0.05)
    gone, silent, broker = Broker(), Broker(late=1), Broker()
    async with gone.running():
        pass
    broker.known = [gone, silent, broker]
    async with silent.running(), broker.running(), inquiry(access_to(cluster_of(broker))) as asked:
        for number in (2, 3):
            (answer,) = await asked.ask_any(ASKED)
            assert answer.controller_id == number
        assert silent.asked == 1


async def test_where_no_broker_answers_it_is_said_so():
    broker = Broker()
    async with broker.running():
        asked = Inquiry(access_to(cluster_of(broker)))
        await asked.begin()
    with pytest.raises(InquiryError, match=r"main at .* does not answer"):
        await asked.ask_any(ASKED)

"""A gateway node without Kafka clients: replays, reports and drains as the contract says."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from contract.codec import LAYOUT
from contract.fold import ControlState
from contract.records import Routing
from contract.session import (
    NodeReport,
    Phase,
    RecordsAnswer,
    ScopeReport,
    SessionAnswer,
    TopicCreated,
    Unrest,
)

NODE_TOKEN = "node-token-node-token"
BELIEVED = httpx.create_ssl_context()
"""Whom clients believe; read once, as it takes 40 ms and each test has some clients."""


class FakeNode:
    """Speaks to the control planes like a node; `mute` makes it silent, as if it were cut off."""

    def __init__(self, node_id: str, *urls: str, token: str = NODE_TOKEN) -> None:
        self.node_id = node_id
        self.incarnation = uuid.uuid4().hex
        self.state = ControlState()
        self.applied_seq = 0
        self.mute = False
        self.never_drains = False
        self.granted = False
        self.history: list[tuple[str, int]] = []
        self.says: dict[str, Any] = {}
        """What its reports say in the place of what is so."""
        self._urls = urls
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(headers=headers, timeout=40, verify=BELIEVED)

    @contextlib.asynccontextmanager
    async def running(self, *, registers: bool = True) -> AsyncIterator["FakeNode"]:
        async with self._client, asyncio.TaskGroup() as tasks:
            if registers:
                await self.register()
            loops = [tasks.create_task(self._follow()), tasks.create_task(self._heartbeat())]
            try:
                yield self
            finally:
                for loop in loops:
                    loop.cancel()

    def also_ask(self, url: str) -> None:
        """Turn to this control plane too, when the first does not answer."""
        self._urls = (*self._urls, url)

    async def _ask(self, method: str, path: str, **request) -> httpx.Response:
        """From the first control plane that answers."""
        for url in self._urls[:-1]:
            with contextlib.suppress(httpx.TransportError):
                return await self._client.request(method, url + path, **request)
        return await self._client.request(method, self._urls[-1] + path, **request)

    async def register(self) -> None:
        """Register, as soon as the lease of whoever had the id before is over."""
        body = {"incarnation": self.incarnation}
        while True:
            answer = await self._ask("PUT", f"/internal/v1/nodes/{self.node_id}", json=body)
            if answer.status_code != HTTPStatus.CONFLICT:
                answer.raise_for_status()
                return
            await asyncio.sleep(0.1)

    async def create_topic(self, vcluster: str, logical: str) -> None:
        created = TopicCreated(
            vcluster=vcluster, logical=logical, partitions=1, replication_factor=1, configs={}
        )
        path = f"/internal/v1/nodes/{self.node_id}/topics"
        answer = await self._ask("POST", path, content=msgspec.json.encode(created))
        answer.raise_for_status()

    async def report(self, *, leaving: bool = False) -> SessionAnswer:
        report = NodeReport(
            incarnation=self.incarnation,
            applied_seq=self.applied_seq,
            digest=self.state.digest(),
            scopes=self._scopes(),
            leaving=leaving,
            log=self.state.log,
            layout=LAYOUT,
        )
        path = f"/internal/v1/nodes/{self.node_id}/session"
        body = msgspec.json.encode(msgspec.structs.replace(report, **self.says))
        answer = await self._ask("POST", path, content=body)
        answer.raise_for_status()
        session = msgspec.json.decode(answer.content, type=SessionAnswer)
        self.granted = session.granted
        return session

    def _scopes(self) -> dict[str, ScopeReport]:
        return {
            routing.scope: ScopeReport(
                phase=self._phase(routing),
                epoch=routing.epoch,
                term=routing.term,
                in_flight=0,
                held=0,
                unrest=Unrest() if routing.state == "quiescing" else None,
            )
            for routing in self.state.of(Routing)
        }

    def _phase(self, routing: Routing) -> Phase:
        if routing.state != "fenced":
            return "serving"
        return "draining" if self.never_drains else "drained"

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if not self.mute:
                    await self._replay()
            await asyncio.sleep(0.01)

    async def _replay(self) -> None:
        wanted = {"after": self.applied_seq, "wait": 2}
        answer = await self._ask("GET", "/internal/v1/control/records", params=wanted)
        answer.raise_for_status()
        records = msgspec.json.decode(answer.content, type=RecordsAnswer)
        if self.mute:
            return
        for record in records.records:
            self.state.apply(record)
            if isinstance(record.state, Routing):
                self.history.append((record.state.cluster, record.state.epoch))
        self.applied_seq = max(self.applied_seq, records.head_seq)
        if records.records:
            await self.report()

    async def _heartbeat(self) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if not self.mute:
                    await self.report()
            await asyncio.sleep(0.2)

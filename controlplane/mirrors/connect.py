"""MirrorMaker 2 as connectors of Kafka Connect, by its REST API (offsets: KIP-875, Kafka 3.6)."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from contract.mirror import Direction
from controlplane.domain.mirror.events import Position
from controlplane.mirrors.runner import (
    MirrorUnavailableError,
    Running,
    certificates,
    unavailable,
)
from controlplane.mirrors.worker_status import cause_in
from controlplane.settings import MirrorConnectors

_TIMEOUT_S = 30.0
_POLL_S = 0.2


class Connect:
    """A `Runner` that stops and resumes connectors, which have to exist for both directions."""

    def __init__(self, connectors: Mapping[str, MirrorConnectors]) -> None:
        self._connectors = dict(connectors)

    async def running(self) -> Running:
        """The direction whose source connector is not stopped.

        Raises:
            MirrorUnavailableError: a Connect cluster does not answer.
        """
        for name, known in self._connectors.items():
            if await self._state(known, known.source) != "STOPPED":
                source, _, target = name.partition("->")
                return Running(Direction(source=source, target=target), left_out=None)
        return Running(None, left_out=None)

    async def run(self, direction: Direction | None, left_out: tuple[str, ...] = ()) -> None:  # noqa: ARG002
        """Stop all connectors of other directions, then resume those of this one.

        What they leave out is in their own configuration, which is not ours.

        Raises:
            MirrorUnavailableError: a Connect cluster does not answer, or does not know a connector.
        """
        wanted = self._of(direction) if direction is not None else None
        for known in self._connectors.values():
            if known is not wanted:
                for connector in (known.source, *known.others):
                    await self._ask(known, "PUT", f"/{connector}/stop")
        for known in self._connectors.values():
            if known is not wanted:
                await self._wait(known, stopped=True)
        if wanted is not None:
            for connector in (wanted.source, *wanted.others):
                await self._ask(wanted, "PUT", f"/{connector}/resume")
            await self._wait(wanted, stopped=False)

    async def seed(self, direction: Direction, positions: tuple[Position, ...]) -> None:
        """Alter the offsets of the stopped source connector; those of no position are reset.

        Raises:
            MirrorUnavailableError: the Connect cluster refuses.
        """
        known = self._of(direction)
        body = {"offsets": [offset_of(direction.source, p) for p in positions]}
        await self._ask(known, "PATCH", f"/{known.source}/offsets", json=body)

    async def restart(self, direction: Direction) -> None:
        """Restart connectors and tasks that have failed (KIP-745, Kafka 3.0).

        Raises:
            MirrorUnavailableError: the Connect cluster refuses.
        """
        known = self._of(direction)
        for connector in (known.source, *known.others):
            restart = f"/{connector}/restart?includeTasks=true&onlyFailed=true"
            await self._ask(known, "POST", restart)

    async def failure(self, direction: Direction) -> str | None:
        """The first connector or task that has failed.

        Raises:
            MirrorUnavailableError: the Connect cluster does not answer.
        """
        return await self._first(direction, lambda state: state == "FAILED")

    async def trouble(self, direction: Direction) -> str | None:
        """The first connector or task that does not run.

        Raises:
            MirrorUnavailableError: the Connect cluster does not answer.
        """
        return await self._first(direction, lambda state: state != "RUNNING")

    async def _first(self, direction: Direction, is_meant: Callable[[str], bool]) -> str | None:
        known = self._of(direction)
        for connector in (known.source, *known.others):
            status = await self._ask(known, "GET", f"/{connector}/status")
            for part in (status["connector"], *status["tasks"]):
                if is_meant(part["state"]):
                    why = f": {cause_in(part['trace'])}" if part.get("trace") else ""
                    task = f"task {part['id']} of " if "id" in part else ""
                    return f"{task}connector {connector} is {part['state']}{why}"
        return None

    def _of(self, direction: Direction) -> MirrorConnectors:
        known = self._connectors.get(str(direction))
        if known is None:
            raise MirrorUnavailableError(
                f"INTERLOCK_MIRROR_CONNECT names no connectors for {direction}"
            )
        return known

    async def _wait(self, known: MirrorConnectors, *, stopped: bool) -> None:
        """Connect does as it is told a little after it answered."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                while (await self._state(known, known.source) == "STOPPED") is not stopped:  # noqa: ASYNC110 - it is elsewhere
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            asked = "stop" if stopped else "resume"
            raise MirrorUnavailableError(f"connector {known.source} does not {asked}") from error

    async def _state(self, known: MirrorConnectors, connector: str) -> str:
        status = await self._ask(known, "GET", f"/{connector}/status")
        return str(status["connector"]["state"])

    async def _ask(self, known: MirrorConnectors, method: str, path: str, **request: Any) -> Any:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, verify=certificates()) as client:
                url = f"{known.url.rstrip('/')}/connectors{path}"
                answer = await client.request(method, url, **request)
                answer.raise_for_status()
                return answer.json() if answer.content else None
        except httpx.HTTPError as error:
            raise unavailable("the Connect cluster of the mirror", error) from error


def offset_of(source: str, position: Position) -> dict[str, Any]:
    """One position as KIP-875 has it: a source partition and its offset, or null to begin anew."""
    partition = {"cluster": source, "partition": position.partition, "topic": position.topic}
    offset = None if position.offset is None else {"offset": position.offset}
    return {"partition": partition, "offset": offset}

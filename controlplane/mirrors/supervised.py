"""MirrorMaker 2 in dedicated mode, run by `interlock mirrormaker`."""

import httpx
import msgspec

from contract.clusters_file import ClusterProperties
from contract.json_errors import UNREADABLE
from contract.mirror import PATH, Direction, MirrorOrder, MirrorReport
from controlplane.domain.mirror.events import Position
from controlplane.mirrors.offsets import write_positions
from controlplane.mirrors.runner import (
    MirrorUnavailableError,
    Running,
    certificates,
    unavailable,
)
from controlplane.mirrors.stored_connectors import forget_connectors
from controlplane.mirrors.worker_status import failure_of
from controlplane.probes.failing import LookError

_ORDER_BUDGET_S = 60.0
"""Stopping MirrorMaker 2 in good order takes some seconds."""


class Supervised:
    """A `Runner` that gives orders to our supervisor."""

    def __init__(self, url: str, token: str, clusters: tuple[ClusterProperties, ...]) -> None:
        self._who = "interlock mirrormaker at INTERLOCK_MIRROR_SUPERVISOR"
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._url = url.rstrip("/") + PATH
        self._headers = {"Authorization": f"Bearer {token}"}

    async def running(self) -> Running:
        """What was ordered last.

        Raises:
            MirrorUnavailableError: the supervisor does not answer.
        """
        report = await self._ask("GET")
        return Running(report.direction, report.left_out)

    async def run(self, direction: Direction | None, left_out: tuple[str, ...] = ()) -> None:
        """Order it.

        Raises:
            MirrorUnavailableError: the supervisor does not answer, or refuses, or the target does
                not forget how its worker ran before.
        """
        if direction is not None and await self.running() != (direction, left_out):
            await self._order(MirrorOrder(direction=None))
            await forget_connectors(self._clusters[direction.target], direction.source)
        await self._order(MirrorOrder(direction=direction, left_out=left_out))

    async def _order(self, order: MirrorOrder) -> None:
        await self._ask("PUT", content=msgspec.json.encode(order))

    async def seed(self, direction: Direction, positions: tuple[Position, ...]) -> None:
        """Write them to where MirrorMaker 2 looks for them at its start.

        Raises:
            MirrorUnavailableError: the target does not take them.
        """
        await write_positions(self._clusters[direction.target], direction.source, positions)

    async def restart(self, direction: Direction) -> None:
        """Have the process end in good order, and begin anew.

        Raises:
            MirrorUnavailableError: the supervisor does not answer, or refuses.
        """
        left_out = (await self.running()).left_out or ()
        await self.run(None)
        await self.run(direction, left_out)

    async def failure(self, direction: Direction) -> str | None:
        """What its worker noted of a connector or task that failed.

        Raises:
            LookError: the target does not tell.
        """
        return await failure_of(self._clusters[direction.target], direction.source)

    async def trouble(self, direction: Direction) -> str | None:
        """That the process does not run as it should, or what its worker noted.

        Raises:
            MirrorUnavailableError: the supervisor does not answer.
        """
        report = await self._ask("GET")
        if report.direction != direction:
            return f"MirrorMaker 2 is ordered to run {report.direction or 'nothing'}"
        if report.pid is None:
            return "MirrorMaker 2 ended and will be started again: see its log"
        try:
            return await self.failure(direction)
        except LookError as error:
            return str(error)

    async def _ask(self, method: str, content: bytes | None = None) -> MirrorReport:
        try:
            async with httpx.AsyncClient(
                headers=self._headers, timeout=_ORDER_BUDGET_S, verify=certificates()
            ) as client:
                answer = await client.request(method, self._url, content=content)
                answer.raise_for_status()
                return msgspec.json.decode(answer.content, type=MirrorReport)
        except httpx.HTTPError as error:
            raise unavailable(self._who, error) from error
        except UNREADABLE as error:
            raise MirrorUnavailableError(f"{self._who} is something else: {error}") from error

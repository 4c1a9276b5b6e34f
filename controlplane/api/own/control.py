"""`/api/v1/control-topic`: what the control topic should hold, and writing it anew."""

import asyncio
from typing import Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency

from controlplane.api.access import attribution, require_role
from controlplane.api.own.schemas import Answer
from controlplane.domain.commands import RebuildControlTopic
from controlplane.domain.refusal import Unavailable
from controlplane.plane import ControlPlane
from controlplane.publisher.control_topic import position_key, rebuilt_key

_REBUILD_BUDGET_S = 40.0
_POLL_S = 0.1


class ControlTopicView(Answer, frozen=True, kw_only=True, rename="camel"):
    """The control topic."""

    log: str
    cluster: str
    seq: int
    published_seq: int
    digest: str
    """What every reader's digest should be, once it has read up to `seq`."""


class ControlTopicController(Controller):
    """The control topic."""

    path = "/api/v1/control-topic"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Control topic"]  # noqa: RUF012

    @get()
    async def show(self, plane: NamedDependency[ControlPlane]) -> ControlTopicView:
        """How far it is written."""
        return await _view(plane)

    @post("/rebuild", status_code=200)
    async def rebuild(
        self, plane: NamedDependency[ControlPlane], request: Request[Any, Any, Any]
    ) -> ControlTopicView:
        """Have the leading control plane delete the topic and write all current records again."""
        asked = (await plane.ledger.carry_out(RebuildControlTopic(), attribution(request)))[0].seq
        try:
            async with asyncio.timeout(_REBUILD_BUDGET_S):
                while await plane.publications.last(rebuilt_key(plane)) < asked:  # noqa: ASYNC110 - another process does it
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise Unavailable(
                f"the control topic on {plane.settings.control_cluster.name} is not rebuilt yet:"
                " the leading control plane goes on trying, and its log says what is wrong"
            ) from error
        return await _view(plane)


async def _view(plane: ControlPlane) -> ControlTopicView:
    facts = await plane.ledger.fresh()
    return ControlTopicView(
        log=facts.log,
        cluster=plane.settings.control_cluster.name,
        seq=facts.seq,
        published_seq=await plane.publications.last(position_key(plane)),
        digest=facts.control.digest(),
    )

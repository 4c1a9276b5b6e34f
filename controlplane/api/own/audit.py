"""`/api/v1/audit`: that the log is as it was written, by its chain and by anchors of it."""

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from controlplane.api.access import FOR, require_role
from controlplane.domain.anchors import Comparison, LogAnchor
from controlplane.domain.refusal import Unavailable
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.publisher.anchored import TopicAnchors
from controlplane.store.anchors import compare_all, compare_some, head_anchor
from controlplane.store.chain import Verdict, verify
from controlplane.users import Role


class AuditController(Controller):
    """Whether the log is as it was written."""

    path = "/api/v1/audit"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Events"]  # noqa: RUF012

    @get("/verify")
    async def verify(self, plane: NamedDependency[ControlPlane]) -> Verdict:
        """Walk the hash chain."""
        return await verify(plane.engine)

    @get("/anchor")
    async def anchor(self, plane: NamedDependency[ControlPlane]) -> LogAnchor:
        """The chain's head. Kept elsewhere, it shows later what was written anew or cut off."""
        return await head_anchor(plane.engine)

    @post("/anchors", status_code=200, opt={FOR: Role.VIEWER})
    async def against(
        self, data: JSONBody[list[LogAnchor]], plane: NamedDependency[ControlPlane]
    ) -> Comparison:
        """Hold anchors that were kept against the log. Changes nothing."""
        return await compare_some(plane.engine, data)

    @get("/topic")
    async def against_topic(self, plane: NamedDependency[ControlPlane]) -> Comparison:
        """Hold the anchors of the control topic against the log."""
        settings = plane.settings
        anchors = TopicAnchors(settings.control_cluster, settings.token_key)
        try:
            found = await compare_all(plane.engine, anchors)
        except LookError as error:
            raise Unavailable(f"the anchors cannot be read: {error}") from error
        return msgspec.structs.replace(found, unproved=anchors.unproved)

"""The incumbent's administration API v1: topics of a virtual cluster, and aliases for others'."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from contract.records import TopicAlias, TopicMapping
from controlplane.api.access import attribution, require_role
from controlplane.api.aliasing import make_alias
from controlplane.domain.commands import UnaliasTopic, UnmapAllTopics, UnmapTopic
from controlplane.domain.refusal import Missing, Unsupported
from controlplane.plane import ControlPlane

VclusterName = Annotated[str, PathParameter(name="vcluster")]
TopicName = Annotated[str, PathParameter(name="logical")]

_NO_CONCENTRATION = (
    "concentrated topics are not supported: offsets of the physical topic would not be those of the"
    " logical ones. Use a topic for each, or an alias (type alias) for one that exists"
)


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """A topic mapping, as the incumbent shows one."""

    logicalTopicName: str  # noqa: N815 - the incumbent's spelling
    clusterId: str  # noqa: N815
    physicalTopicName: str  # noqa: N815
    readOnly: bool = False  # noqa: N815
    type: str = "ALIAS"
    autoManaged: bool | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    """Shown in lists, not when an alias is made."""


class NewMapping(msgspec.Struct, frozen=True, kw_only=True):
    """Body of a request for a mapping."""

    physicalTopicName: str  # noqa: N815 - the incumbent's spelling
    readOnly: bool = False  # noqa: N815
    type: Literal["alias", "ALIAS", "concentrated", "CONCENTRATED"] = "alias"
    autoManaged: bool = False  # noqa: N815


class VirtualTopicController(Controller):
    """`/admin/vclusters/v1/vcluster/{vcluster}`."""

    path = "/admin/vclusters/v1/vcluster/{vcluster:str}"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Incumbent's API v1"]  # noqa: RUF012

    @get("/topics")
    async def list_topics(
        self, vcluster: VclusterName, plane: NamedDependency[ControlPlane]
    ) -> list[Mapping]:
        """A virtual cluster's topics, aliases included."""
        facts = await plane.ledger.fresh()
        topics: list[TopicMapping | TopicAlias] = []
        topics += facts.topics_of(vcluster)
        topics += facts.aliases_of(vcluster)
        if not topics:
            raise Missing(f"virtual cluster {vcluster} has no topic mappings")
        scope = plane.settings.scope
        return [msgspec.structs.replace(_mapping(t, scope), autoManaged=False) for t in topics]

    @delete("/topics", status_code=204)
    async def delete_topics(
        self,
        vcluster: VclusterName,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Forget a virtual cluster's topics and aliases."""
        await plane.ledger.carry_out(UnmapAllTopics(vcluster=vcluster), attribution(request))

    @post("/topics/{logical:str}", status_code=201)
    async def create_alias(
        self,
        vcluster: VclusterName,
        logical: TopicName,
        data: JSONBody[NewMapping],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> Mapping:
        """An alias for an existing physical topic; 400 if there is none, 409 if it has another."""
        if data.type.lower() != "alias":
            raise Unsupported(_NO_CONCENTRATION)
        alias = await make_alias(
            plane, vcluster, logical, data.physicalTopicName, data.readOnly, attribution(request)
        )
        return _mapping(alias, plane.settings.scope)

    @delete("/topics/{logical:str}", status_code=204)
    async def delete_topic(
        self,
        vcluster: VclusterName,
        logical: TopicName,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Forget a topic, or an alias; the physical topic stays."""
        facts = await plane.ledger.fresh()
        command: UnaliasTopic | UnmapTopic
        if facts.control.get(f"alias/{vcluster}/{logical}") is not None:
            command = UnaliasTopic(vcluster=vcluster, logical=logical)
        elif facts.control.get(f"topic/{vcluster}/{logical}") is not None:
            command = UnmapTopic(vcluster=vcluster, logical=logical)
        else:
            raise Missing(f"virtual cluster {vcluster} has no topic mapping {logical}")
        await plane.ledger.carry_out(command, attribution(request))

    @get("/concentration-rules")
    async def list_concentration_rules(self, vcluster: VclusterName) -> list[Mapping]:  # noqa: ARG002 - there are none, for whomever
        """None: see the next."""
        return []

    @post("/concentration-rules")
    async def create_concentration_rule(self, vcluster: VclusterName) -> None:  # noqa: ARG002 - for whomever
        """501: there are no concentrated topics."""
        raise Unsupported(_NO_CONCENTRATION)

    @delete("/concentration-rules", status_code=204)
    async def delete_concentration_rules(self, vcluster: VclusterName) -> None:
        """404: there are none."""
        raise Missing(f"virtual cluster {vcluster} has no concentration rules")


def _mapping(topic: TopicMapping | TopicAlias, scope: str) -> Mapping:
    return Mapping(
        logicalTopicName=topic.logical,
        clusterId=scope,
        physicalTopicName=topic.physical,
        readOnly=isinstance(topic, TopicAlias) and topic.read_only,
    )

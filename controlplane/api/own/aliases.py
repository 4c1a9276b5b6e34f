"""`/api/v1/virtual-clusters/{vcluster}/aliases` and grants: topics that are shared."""

from typing import Annotated, Any, Literal

from litestar import Controller, Request, delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from contract.records import TopicAlias
from controlplane.api.access import attribution, require_role
from controlplane.api.aliasing import make_alias
from controlplane.api.own.schemas import Answer, Items, Question
from controlplane.domain.commands import GrantTopic, RevokeGrant, UnaliasTopic
from controlplane.domain.tenants import existing
from controlplane.plane import ControlPlane

VclusterName = Annotated[str, PathParameter(name="vcluster")]
TopicName = Annotated[str, PathParameter(name="logical")]
Grantee = Annotated[str, PathParameter(name="grantee")]


class NewAlias(Question, frozen=True, kw_only=True, rename="camel"):
    """What an alias is to stand for."""

    physical: str
    read_only: bool = False


class AliasView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A virtual cluster's own name for a topic of somebody else."""

    logical: str
    physical: str
    read_only: bool
    partitions: int
    """When the alias was made."""
    created_at: int


class NewGrant(Question, frozen=True, kw_only=True, rename="camel"):
    """What another virtual cluster may do with a topic."""

    access: Literal["read", "write"] = "read"


class GrantView(Answer, frozen=True, kw_only=True, rename="camel"):
    """What another virtual cluster may do with a topic."""

    logical: str
    grantee: str
    access: str


class AliasController(Controller):
    """Aliases and grants."""

    path = "/api/v1/virtual-clusters/{vcluster:str}"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Alias topics"]  # noqa: RUF012

    @get("/aliases")
    async def aliases(
        self, vcluster: VclusterName, plane: NamedDependency[ControlPlane]
    ) -> Items[AliasView]:
        """A virtual cluster's names for topics of others."""
        facts = await plane.ledger.fresh()
        existing(facts, vcluster)
        return Items(items=[_view(alias) for alias in facts.aliases_of(vcluster)])

    @put("/aliases/{logical:str}")
    async def alias(
        self,
        vcluster: VclusterName,
        logical: TopicName,
        data: JSONBody[NewAlias],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> AliasView:
        """Make one, or change whether it is for reading only."""
        by = attribution(request)
        return _view(await make_alias(plane, vcluster, logical, data.physical, data.read_only, by))

    @delete("/aliases/{logical:str}", status_code=204)
    async def unalias(
        self,
        vcluster: VclusterName,
        logical: TopicName,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Remove one; the topic behind it stays as it is."""
        command = UnaliasTopic(vcluster=vcluster, logical=logical)
        await plane.ledger.carry_out(command, attribution(request))

    @get("/grants")
    async def grants(
        self, vcluster: VclusterName, plane: NamedDependency[ControlPlane]
    ) -> Items[GrantView]:
        """Who may have aliases for this virtual cluster's topics."""
        facts = await plane.ledger.fresh()
        existing(facts, vcluster)
        return Items(
            items=[
                GrantView(logical=logical, grantee=grantee, access=access)
                for (owner, logical, grantee), access in sorted(facts.grants.items())
                if owner == vcluster
            ]
        )

    @put("/topics/{logical:str}/grants/{grantee:str}", status_code=204)
    async def grant(  # noqa: PLR0917 - Litestar hands over what it finds
        self,
        vcluster: VclusterName,
        logical: TopicName,
        grantee: Grantee,
        data: JSONBody[NewGrant],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Let another virtual cluster have an alias for a topic of this one."""
        command = GrantTopic(owner=vcluster, logical=logical, grantee=grantee, access=data.access)
        await plane.ledger.carry_out(command, attribution(request))

    @delete("/topics/{logical:str}/grants/{grantee:str}", status_code=204)
    async def revoke(
        self,
        vcluster: VclusterName,
        logical: TopicName,
        grantee: Grantee,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Let it have none any more; the alias that it has goes."""
        command = RevokeGrant(owner=vcluster, logical=logical, grantee=grantee)
        await plane.ledger.carry_out(command, attribution(request))


def _view(alias: TopicAlias) -> AliasView:
    return AliasView(
        logical=alias.logical,
        physical=alias.physical,
        read_only=alias.read_only,
        partitions=alias.partitions,
        created_at=alias.created_at,
    )

"""`/api/v1/virtual-clusters`: tenants, their accounts, tokens and topics."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from contract.records import ServiceAccount, TopicMapping, VirtualCluster
from controlplane.api.access import attribution, require_role
from controlplane.api.creating import carry_out_with_room
from controlplane.api.own.schemas import (
    AccountView,
    Items,
    NewToken,
    NewVirtualCluster,
    TokenView,
    TopicView,
    VirtualClusterView,
)
from controlplane.api.tokens import epoch_seconds, issue_token, new_cluster_id
from controlplane.domain.commands import CreateVirtualCluster, DeleteVirtualCluster, RevokeAccount
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Missing
from controlplane.plane import ControlPlane
from controlplane.store.event_store import Attribution

VclusterName = Annotated[str, PathParameter(name="vcluster")]
AccountName = Annotated[str, PathParameter(name="account")]


class TenantController(Controller):
    """Virtual clusters."""

    path = "/api/v1/virtual-clusters"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Virtual clusters"]  # noqa: RUF012

    @get()
    async def list_all(self, plane: NamedDependency[ControlPlane]) -> Items[VirtualClusterView]:
        """All virtual clusters."""
        facts = await plane.ledger.fresh()
        return Items(items=[_view(facts, v) for v in facts.control.of(VirtualCluster)])

    @post()
    async def create(
        self,
        data: JSONBody[NewVirtualCluster],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> VirtualClusterView:
        """A new virtual cluster.

        A scope that is not there yet is made, and served where the first one is.

        409 if its name overlaps with one that is or ever was, or if a cluster has topics or groups
        under it (adopt them then), or if its scope cannot be made; 503 if the cluster that would
        serve it does not answer.
        """
        await create_virtual_cluster(plane, data.name, attribution(request), data.scope)
        return _view(plane.ledger.facts, _vcluster(plane.ledger.facts, data.name))

    @get("/{vcluster:str}")
    async def show(
        self, vcluster: VclusterName, plane: NamedDependency[ControlPlane]
    ) -> VirtualClusterView:
        """One virtual cluster."""
        facts = await plane.ledger.fresh()
        return _view(facts, _vcluster(facts, vcluster))

    @delete("/{vcluster:str}", status_code=204)
    async def remove(
        self,
        vcluster: VclusterName,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Remove a virtual cluster that has no topics."""
        command = DeleteVirtualCluster(name=vcluster, now=epoch_seconds())
        await plane.ledger.carry_out(command, attribution(request))

    @get("/{vcluster:str}/topics")
    async def topics(
        self, vcluster: VclusterName, plane: NamedDependency[ControlPlane]
    ) -> Items[TopicView]:
        """A virtual cluster's topics."""
        facts = await plane.ledger.fresh()
        _vcluster(facts, vcluster)
        return Items(items=[_topic(topic) for topic in facts.topics_of(vcluster)])

    @get("/{vcluster:str}/accounts")
    async def accounts(
        self, vcluster: VclusterName, plane: NamedDependency[ControlPlane]
    ) -> Items[AccountView]:
        """A virtual cluster's service accounts."""
        facts = await plane.ledger.fresh()
        _vcluster(facts, vcluster)
        accounts = facts.control.of_owner(ServiceAccount, vcluster)
        return Items(items=[AccountView.of(account) for account in accounts])

    @post("/{vcluster:str}/accounts/{account:str}/tokens")
    async def issue(
        self,
        vcluster: VclusterName,
        account: AccountName,
        data: JSONBody[NewToken],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> TokenView:
        """A token for an account, which is created if there is none."""
        _vcluster(await plane.ledger.fresh(), vcluster)
        by = attribution(request)
        token = await issue_token(plane, vcluster, account, data.lifetime_seconds, by)
        return TokenView(token=token)

    @post("/{vcluster:str}/accounts/{account:str}/revoke", status_code=204)
    async def revoke(
        self,
        vcluster: VclusterName,
        account: AccountName,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Void tokens, password and external names of the account; its connections are cut."""
        command = RevokeAccount(vcluster=vcluster, name=account, now=epoch_seconds())
        await plane.ledger.carry_out(command, attribution(request))


async def create_virtual_cluster(
    plane: ControlPlane, name: str, by: Attribution, scope: str | None = None
) -> None:
    """Make a virtual cluster.

    Args:
        plane: this control plane.
        name: of the virtual cluster.
        by: who asks.
        scope: what it is switched with, made if there is none of that name; None: the first one.

    Raises:
        Refusal: as `create` says.
    """
    command = CreateVirtualCluster(
        name=name,
        scope=scope or plane.settings.scope,
        beside=plane.settings.scope,
        cluster_id=new_cluster_id(),
    )
    await carry_out_with_room(plane, command, by)


def _vcluster(facts: Facts, name: str) -> VirtualCluster:
    state = facts.control.get(f"vcluster/{name}")
    if not isinstance(state, VirtualCluster):
        raise Missing(f"there is no virtual cluster {name}")
    return state


def _view(facts: Facts, vcluster: VirtualCluster) -> VirtualClusterView:
    return VirtualClusterView(
        name=vcluster.name,
        scope=vcluster.scope,
        cluster_id=vcluster.cluster_id,
        topics=facts.control.count(TopicMapping, vcluster.name),
    )


def _topic(topic: TopicMapping) -> TopicView:
    return TopicView(
        logical=topic.logical,
        physical=topic.physical,
        partitions=topic.partitions,
        replication_factor=topic.replication_factor,
        configs=topic.configs,
        created_at=topic.created_at,
    )

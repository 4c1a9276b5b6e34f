"""What tenants may do: the policy of a virtual cluster, the rights and limits of an account."""

from typing import Annotated, Any

from litestar import Controller, Request, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from contract.policy import Policy
from contract.records import ServiceAccount
from controlplane.api.access import attribution, require_role
from controlplane.api.own.schemas import AccountView, Restrictions
from controlplane.domain.commands import RestrictAccount, SetPolicy
from controlplane.domain.refusal import Missing
from controlplane.domain.tenants import existing
from controlplane.plane import ControlPlane

VclusterName = Annotated[str, PathParameter(name="vcluster")]
AccountName = Annotated[str, PathParameter(name="account")]


class PolicyController(Controller):
    """Policies."""

    path = "/api/v1/virtual-clusters/{vcluster:str}"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Policies"]  # noqa: RUF012

    @get("/policy")
    async def show(self, vcluster: VclusterName, plane: NamedDependency[ControlPlane]) -> Policy:
        """What a virtual cluster's clients may do; what is not in it is allowed."""
        return existing(await plane.ledger.fresh(), vcluster).policy

    @put("/policy")
    async def replace(
        self,
        vcluster: VclusterName,
        data: JSONBody[Policy],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> Policy:
        """Lay it down anew. Holds for live connections at once, for topics that change or come."""
        await plane.ledger.carry_out(SetPolicy(name=vcluster, policy=data), attribution(request))
        return existing(plane.ledger.facts, vcluster).policy

    @put("/accounts/{account:str}")
    async def restrict(
        self,
        vcluster: VclusterName,
        account: AccountName,
        data: JSONBody[Restrictions],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> AccountView:
        """An account's own rights and limits; it is created if there is none."""
        command = RestrictAccount(
            vcluster=vcluster, name=account, read_only=data.read_only, limits=data.limits
        )
        await plane.ledger.carry_out(command, attribution(request))
        state = plane.ledger.facts.control.get(f"account/{vcluster}/{account}")
        if not isinstance(state, ServiceAccount):
            raise Missing(f"virtual cluster {vcluster} has no account {account}")
        return AccountView.of(state)

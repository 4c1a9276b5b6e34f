"""`/console/virtual-clusters`: what belongs to a tenant; new ones, and tokens."""

from typing import Annotated, Any, Final
from urllib.parse import quote

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter
from litestar.response import Redirect, Template

from contract.records import ServiceAccount, TopicMapping, VirtualCluster
from controlplane.api.access import attribution
from controlplane.api.own.schemas import AccountView
from controlplane.api.own.tenants import create_virtual_cluster
from controlplane.api.tokens import epoch_seconds, issue_token
from controlplane.console.forms import sent
from controlplane.console.rendering import HEADERS, page
from controlplane.domain.commands import RevokeAccount
from controlplane.domain.refusal import Invalid
from controlplane.domain.tenants import existing
from controlplane.plane import ControlPlane

_DAY_S: Final = 86400

Asked = Request[Any, Any, Any]
VclusterName = Annotated[str, PathParameter(name="vcluster")]
AccountName = Annotated[str, PathParameter(name="account")]


@get("/console/virtual-clusters")
async def list_tenants(request: Asked, plane: NamedDependency[ControlPlane]) -> Template:
    """All virtual clusters, and the form for a new one."""
    control = (await plane.ledger.fresh()).control
    tenants = sorted(control.of(VirtualCluster), key=lambda v: v.name)
    return page(
        request,
        "virtual_clusters.html",
        tenants=[
            (v, control.count(TopicMapping, v.name), control.count(ServiceAccount, v.name))
            for v in tenants
        ],
    )


@post("/console/virtual-clusters", status_code=303)
async def create_tenant(request: Asked, plane: NamedDependency[ControlPlane]) -> Redirect:
    """A new virtual cluster."""
    fields = await sent(request)
    name = fields.get("name", "")
    await create_virtual_cluster(plane, name, attribution(request), fields.get("scope") or None)
    return _to(name)


@get("/console/virtual-clusters/{vcluster:str}")
async def show_tenant(
    request: Asked, vcluster: VclusterName, plane: NamedDependency[ControlPlane]
) -> Template:
    """One with all that belongs to it."""
    return await _tenant(request, plane, vcluster)


@post("/console/virtual-clusters/{vcluster:str}/tokens", status_code=201)
async def create_token(
    request: Asked, vcluster: VclusterName, plane: NamedDependency[ControlPlane]
) -> Template:
    """A token for an account, which is made where it is missing. Only this answer ever shows it."""
    existing(await plane.ledger.fresh(), vcluster)
    fields = await sent(request)
    account = fields.get("account", "")
    lifetime_s = _days(fields.get("days", "")) * _DAY_S
    token = await issue_token(plane, vcluster, account, lifetime_s, attribution(request))
    return await _tenant(request, plane, vcluster, token=token, account=account, status=201)


@post("/console/virtual-clusters/{vcluster:str}/accounts/{account:str}/revoke", status_code=303)
async def revoke_account(
    request: Asked,
    vcluster: VclusterName,
    account: AccountName,
    plane: NamedDependency[ControlPlane],
) -> Redirect:
    """Void tokens, password and external names of an account; its connections are cut."""
    command = RevokeAccount(vcluster=vcluster, name=account, now=epoch_seconds())
    await plane.ledger.carry_out(command, attribution(request))
    return _to(vcluster)


def _days(typed: str) -> int:
    if not (typed.isascii() and typed.isdecimal() and int(typed[:6]) > 0 and len(typed) <= 5):
        raise Invalid("a token is good for 1 to 99999 days: give a whole number")
    return int(typed)


async def _tenant(
    request: Asked,
    plane: ControlPlane,
    name: str,
    *,
    token: str | None = None,
    account: str | None = None,
    status: int = 200,
) -> Template:
    facts = await plane.ledger.fresh()
    tenant = existing(facts, name)
    accounts = facts.control.of_owner(ServiceAccount, name)
    granted = [
        (logical, grantee, access)
        for (owner, logical, grantee), access in sorted(facts.grants.items())
        if owner == name
    ]
    return page(
        request,
        "virtual_cluster.html",
        status=status,
        tenant=tenant,
        topics=sorted(facts.topics_of(name), key=lambda topic: topic.logical),
        accounts=sorted((AccountView.of(a) for a in accounts), key=lambda a: a.name),
        aliases=facts.aliases_of(name),
        grants=granted,
        token=token,
        account=account,
    )


def _to(vcluster: str) -> Redirect:
    where = f"/console/virtual-clusters/{quote(vcluster, safe='')}"
    return Redirect(where, status_code=303, headers=HEADERS)

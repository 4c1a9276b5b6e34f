"""`/api/v1/clients`: who uses the gateway, with which library, and since when no more."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from contract.clients import ClientSeen
from controlplane.api.access import require_role
from controlplane.api.own.schemas import Answer
from controlplane.plane import ControlPlane
from controlplane.store.clients import NodeTold


class ClientView(Answer, frozen=True, kw_only=True, rename="camel"):
    """The connections of one account to one node, made with one version of a library."""

    virtual_cluster: str
    account: str
    software: str
    """As the library says itself (KIP-511)."""
    version: str
    node_id: str
    connections: int
    """Open when the node told; 0: it had gone."""
    addresses: tuple[str, ...]
    """From where, the newest last; some of them, if there are many."""
    topics: tuple[str, ...]
    """Those that it asked for by name, the newest last; some of them."""
    groups: tuple[str, ...]
    """Consumer groups that it was seen to be in, the newest last; some of them."""
    last_request_at: datetime


class Clients(Answer, frozen=True, kw_only=True, rename="camel"):
    """Those of the last day."""

    items: list[ClientView]
    further: int
    """Of how many nodes tell nothing, as there are too many."""


@get("/api/v1/clients", guards=[require_role], tags=["Clients"])
async def list_clients(
    plane: NamedDependency[ControlPlane],
    vcluster: Annotated[str | None, QueryParameter(name="virtualCluster")] = None,
) -> Clients:
    """Who has used the gateway in the last day, by account and library.

    Nodes tell every 30 seconds.
    """
    return await clients_of(plane, vcluster)


async def clients_of(plane: ControlPlane, vcluster: str | None) -> Clients:
    """Those of one virtual cluster, or of all: who is there before who has gone."""
    told = await plane.clients.newest()
    found = [
        _view(one, client)
        for one in told
        for client in one.seen.clients
        if vcluster in {None, client.vcluster}
    ]
    found.sort(key=lambda view: (view.virtual_cluster, view.account, -view.connections))
    return Clients(items=found, further=sum(one.seen.further for one in told))


def _view(told: NodeTold, client: ClientSeen) -> ClientView:
    return ClientView(
        virtual_cluster=client.vcluster,
        account=client.account,
        software=client.software,
        version=client.version,
        node_id=told.node_id,
        connections=client.connections,
        addresses=client.addresses,
        topics=client.topics,
        groups=tuple(_logical(client)),
        last_request_at=told.told_at - timedelta(seconds=client.idle_s),
    )


def _logical(client: ClientSeen) -> Iterator[str]:
    for group in client.groups:
        yield group.removeprefix(client.vcluster)

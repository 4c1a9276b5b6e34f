"""`/api/v1/virtual-clusters/{vcluster}/adoption`: topics that nobody told of."""

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from contract.names import physical_name
from contract.records import VirtualCluster
from controlplane.api.access import attribution, require_role
from controlplane.api.own.schemas import Answer, Items
from controlplane.api.serving import serving_cluster
from controlplane.api.tokens import new_cluster_id
from controlplane.domain.adoption import adoptable
from controlplane.domain.commands import AdoptTopics
from controlplane.domain.decide import decide
from controlplane.domain.refusal import Unavailable
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.probes.found_topics import found_topics, topics_there

VclusterName = Annotated[str, PathParameter(name="vcluster")]


class AdoptedTopic(Answer, frozen=True, kw_only=True, rename="camel"):
    """A topic on the cluster that serves, under the virtual cluster's name."""

    logical: str
    physical: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]
    """Those that were set for the topic."""


class AdoptionController(Controller):
    """Adoption of topics that there are."""

    path = "/api/v1/virtual-clusters/{vcluster:str}/adoption"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Virtual clusters"]  # noqa: RUF012

    @get()
    async def show(
        self, vcluster: VclusterName, plane: NamedDependency[ControlPlane]
    ) -> Items[AdoptedTopic]:
        """What would be adopted. There need not be a virtual cluster of the name yet.

        409 if there cannot be one; 503 if the cluster that would serve it does not answer.
        """
        command = await _command(plane, vcluster)
        return _view(command)

    @post(status_code=200)
    async def adopt(
        self,
        vcluster: VclusterName,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> Items[AdoptedTopic]:
        """Adopt it; the virtual cluster is created if there is none. Nothing is left the next time.

        409 if there cannot be one; 503 if the cluster that would serve it does not answer.
        """
        command = await _command(plane, vcluster)
        await plane.ledger.carry_out(command, attribution(request))
        return _view(command)


async def _command(plane: ControlPlane, vcluster: str) -> AdoptTopics:
    facts = await plane.ledger.fresh()
    state = facts.control.get(f"vcluster/{vcluster}")
    scope = state.scope if isinstance(state, VirtualCluster) else plane.settings.scope
    creating = None if isinstance(state, VirtualCluster) else (scope, new_cluster_id())
    command = AdoptTopics(vcluster=vcluster, topics=(), to_create=creating)
    decide(facts, command)  # whether there can be one
    cluster = serving_cluster(plane, scope)
    try:
        names = adoptable(facts, vcluster, await topics_there(cluster))
        found = await found_topics(cluster, vcluster, dict.fromkeys(names)) if names else ()
    except LookError as error:
        raise Unavailable(str(error)) from error
    return AdoptTopics(vcluster=vcluster, topics=found, to_create=creating)


def _view(command: AdoptTopics) -> Items[AdoptedTopic]:
    return Items(
        items=[
            AdoptedTopic(
                logical=topic.logical,
                physical=physical_name(command.vcluster, topic.logical),
                partitions=topic.partitions,
                replication_factor=topic.replication_factor,
                configs=topic.configs,
            )
            for topic in command.topics
        ]
    )

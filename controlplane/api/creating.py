"""Commands that may make a virtual cluster: not over what is somebody else's on the clusters.

A virtual cluster sees, and may write, everything that begins with its name. So whoever gives it one
must say that they mean what is there already, which is adoption.
"""

import asyncio

from contract.clusters_file import ClusterProperties
from controlplane.api.older import require_all_read
from controlplane.api.serving import serving_cluster
from controlplane.domain.adoption import require_room
from controlplane.domain.commands import Command
from controlplane.domain.decide import decide
from controlplane.domain.event import Recorded
from controlplane.domain.events import VirtualClusterCreated
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Refusal, Unavailable
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.probes.found_topics import Existing, existing_under
from controlplane.store.event_store import Attribution


async def carry_out_with_room(
    plane: ControlPlane, command: Command, by: Attribution
) -> list[Recorded]:
    """Carry a command out; if it makes a virtual cluster, look first what is under its name.

    Raises:
        Refusal: as decided; Conflict if a cluster has something of nobody's there; Unavailable if
            the one that would serve it does not answer. A standby that does not is not asked:
            `plan` names what only it has.
    """
    created = _created_by(await plane.ledger.fresh(), command)
    if created is not None:
        await _look(plane, created)
    async with plane.ledger.turn(by) as turn:
        if created is not None and turn.facts.routing(created.scope) is None:
            await require_all_read(turn, "scope.added", "switches all virtual clusters together")
        return await turn.carry_out(command)


def _created_by(facts: Facts, command: Command) -> VirtualClusterCreated | None:
    try:
        decided = decide(facts, command)
    except Refusal:
        return None  # it is told by whoever carries the command out, on facts that count
    return next((event for event in decided if isinstance(event, VirtualClusterCreated)), None)


async def _look(plane: ControlPlane, created: VirtualClusterCreated) -> None:
    is_there = plane.ledger.facts.routing(created.scope) is not None
    serving = serving_cluster(plane, created.scope if is_there else plane.settings.scope)
    clusters = [serving, *(c for c in plane.settings.clusters if c is not serving)]
    looks = await asyncio.gather(*(_there(cluster, created.name) for cluster in clusters))
    for cluster, there in zip(clusters, looks, strict=True):
        if isinstance(there, LookError):
            if cluster is serving:
                raise Unavailable(str(there)) from there
            continue
        require_room(plane.ledger.facts, created.name, cluster.name, there.topics, there.groups)


async def _there(cluster: ClusterProperties, name: str) -> Existing | LookError:
    try:
        return await existing_under(cluster, name)
    except LookError as error:
        return error

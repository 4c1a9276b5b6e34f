"""Making alias topics: shared by both administration APIs."""

import asyncio

from contract.clusters_file import ClusterProperties
from contract.names import physical_name
from contract.records import TopicAlias
from controlplane.api.serving import serving_cluster
from controlplane.api.tokens import wait_for_nodes
from controlplane.domain.aliases import require_possible
from controlplane.domain.commands import AliasTopic
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict, Invalid, Missing, Unavailable
from controlplane.domain.tenants import existing
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.probes.topics import Size, find_topics
from controlplane.store.event_store import Attribution

_BUDGET_S = 10.0
_APPEARS_WITHIN_S = 1.5
"""A topic that was created a moment ago is not known to every broker at once."""
_POLL_S = 0.2


async def make_alias(  # noqa: PLR0917 - what an alias is, and who wants it
    plane: ControlPlane,
    vcluster: str,
    logical: str,
    physical: str,
    read_only: bool,  # noqa: FBT001 - a property of the alias
    by: Attribution,
) -> TopicAlias:
    """Have an alias for a topic that the virtual cluster's physical cluster has.

    Returns once the nodes that serve know it: scripts use it at once.

    Raises:
        Refusal: there cannot be such an alias, or the cluster cannot be asked.
    """
    facts = await plane.ledger.fresh()
    require_possible(facts, vcluster, logical, physical)
    own = physical_name(vcluster, logical)
    cluster = serving_cluster(plane, existing(facts, vcluster).scope)
    found = await _find(cluster, physical, own)
    if physical not in found:
        raise Invalid(f"there is no physical topic {physical}: create it first")
    if own in found:
        raise Conflict(
            f"virtual cluster {vcluster} has a topic {logical} of its own: physical topic {own}"
        )
    command = AliasTopic(
        vcluster=vcluster,
        logical=logical,
        physical=physical,
        read_only=read_only,
        partitions=found[physical].partitions,
        replication_factor=found[physical].replication_factor,
    )
    recorded = await plane.ledger.carry_out(command, by)
    if recorded:
        await wait_for_nodes(plane, recorded[-1].seq)
    return alias_of(plane.ledger.facts, vcluster, logical)


def alias_of(facts: Facts, vcluster: str, logical: str) -> TopicAlias:
    """An alias. Raises Missing if there is none."""
    state = facts.control.get(f"alias/{vcluster}/{logical}")
    if not isinstance(state, TopicAlias):
        raise Missing(f"virtual cluster {vcluster} has no alias {logical}")
    return state


async def _find(cluster: ClusterProperties, wanted: str, *others: str) -> dict[str, Size]:
    """Those of the topics that there are; the wanted one is waited for, if it is just coming."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + _APPEARS_WITHIN_S
    try:
        async with asyncio.timeout(_BUDGET_S):
            while True:
                found = await find_topics(cluster, (wanted, *others))
                if wanted in found or loop.time() >= give_up_at:
                    return found
                await asyncio.sleep(_POLL_S)
    except LookError as error:
        raise Unavailable(str(error)) from error
    except TimeoutError:
        raise Unavailable(f"cluster {cluster.name} does not answer in time") from None

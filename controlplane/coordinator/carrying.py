"""Keeps the topics of replicas as a mirror needs them, with the configs of the originals.

So a forced switch finds them, too: behind a cluster that is gone nobody can look. And a topic whose
records get the broker's time (LogAppendTime) takes the original's timestamps while it is a copy.
"""

import asyncio
import time

import structlog

from controlplane.coordinator.watching import replicas
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch.parity import told
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.probes.parity.governed import governed
from controlplane.probes.parity.making import Clusters, ParityMaker
from controlplane.probes.readers import Readers
from controlplane.store.watches import Pair

_logger = structlog.get_logger()

_AGAIN_S = 15.0
_PAUSE_S = 1.0
"""Many topics may come at once; and a mirror makes one of its own a moment after its original."""


async def keep_configs(plane: ControlPlane) -> None:
    """Carry over what was changed, for ever: now and then, and when there is reason to."""
    failing: set[Pair] = set()
    while True:
        reason = _reason(plane)
        for pair in replicas(plane):
            if plane.ledger.facts.open_switch(pair.scope) is None:
                await _carry(plane, pair, failing)
        await asyncio.sleep(_PAUSE_S)
        due_at = time.monotonic() + _AGAIN_S
        while _reason(plane) == reason and (left_s := due_at - time.monotonic()) > 0:
            await plane.ledger.changed.wait(left_s)


async def carry_configs(plane: ControlPlane, pair: Pair) -> Parity:
    """Carry over what was changed on one cluster to another.

    Raises:
        LookError: one of them does not answer.
    """
    by_name = {cluster.name: cluster for cluster in plane.settings.clusters}
    clusters = Clusters(by_name[pair.from_cluster], by_name[pair.to_cluster])
    maker = ParityMaker(clusters, Readers(plane.settings.clusters))
    return await maker.carry_configs(governed(plane.ledger.facts, pair.scope))


async def _carry(plane: ControlPlane, pair: Pair, failing: set[Pair]) -> None:
    """Once; that it cannot be done is told when it begins."""
    try:
        made = await carry_configs(plane, pair)
    except LookError as error:
        if pair not in failing:
            failing.add(pair)
            _logger.warning(
                "replica.configs_not_carried", cluster=pair.to_cluster, detail=str(error)
            )
        return
    failing.discard(pair)
    if made.changed:
        _logger.info("replica.configs_carried", cluster=pair.to_cluster, detail=told(made))


def _reason(plane: ControlPlane) -> tuple[int, int]:
    """Topics came or went; a switch has ended, committed or not."""
    facts = plane.ledger.facts
    return facts.topics_seq, facts.outcomes.total()

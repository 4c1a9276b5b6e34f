"""Watches what the replicas hold while all clusters answer, for the day on which one does not."""

import asyncio
import time
from typing import NamedTuple

import msgspec
import structlog
from aiokafka import TopicPartition

from contract.mirror import Direction
from contract.records import Routing
from controlplane.coordinator.adopting import Adopter
from controlplane.domain.mirror.common_ground import equal_ends
from controlplane.domain.mirror.made_anew import filled_by_the_mirror_alone, made_anew_since
from controlplane.domain.replica import (
    Troubles,
    Watched,
    forgetting,
    seen_both_ways,
    troubles_of,
)
from controlplane.domain.switch.view import Losses
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.probes.readers import Readers
from controlplane.probes.replica import losses, watch
from controlplane.store.watches import Pair

_logger = structlog.get_logger()

LOOK_BUDGET_S = 30.0
"""For one look: a client of a cluster that dies meanwhile may wait for ever."""
_AGAIN_S = 2.0
_AT_MOST_AGAIN_S = 8.0
_SHARE = 0.25
"""Of the time that looks may take: a core is for more than them."""
_DEAD_AFTER_S = 2.0
"""A switch does not wait longer for a cluster that is given up."""
_RETRY_S = 2.0
"""After a cluster did not answer. A longer time would be one in which nobody knows what a cluster
that has just come back as a copy lacks: all of it would count as missing."""


async def watch_replicas(plane: ControlPlane) -> None:
    """Look at every replica of every scope, for ever."""
    readers = Readers(plane.settings.clusters)
    seen: dict[Pair, Watched] = {}
    adopters: dict[Pair, Adopter] = {}
    try:
        while True:
            pairs = _pairs(plane)
            began_at, failed = time.monotonic(), False
            for pair in pairs:
                adopter = _adopter(plane, pair, adopters)
                why = await _try(plane, readers, pair, adopter, seen)
                _tell(plane.not_watched, pair, why)
                if why is not None:
                    failed = True
                    await readers.close()
            for pair in set(plane.not_watched) - set(pairs):
                del plane.not_watched[pair]
            took_s = time.monotonic() - began_at
            await asyncio.sleep(_RETRY_S if failed else pause_after(took_s))
    finally:
        plane.not_watched.clear()
        await readers.close()


def pause_after(took_s: float) -> float:
    """Seconds until the next look, after one that took so long."""
    return min(max(_AGAIN_S, took_s * (1 / _SHARE - 1)), _AT_MOST_AGAIN_S)


async def _try(
    plane: ControlPlane,
    readers: Readers,
    pair: Pair,
    adopter: Adopter,
    seen: dict[Pair, Watched],
) -> str | None:
    """Look once; why that found nothing out, if it did not."""
    try:
        async with asyncio.timeout(LOOK_BUDGET_S):
            seen[pair] = await _look(plane, readers, pair, seen.get(pair), adopter)
            await plane.watches.keep(pair, seen[pair])
    except LookError as error:
        return str(error)
    except TimeoutError:
        return f"no look was done within our budget of {LOOK_BUDGET_S:g} s"
    return None


def _adopter(plane: ControlPlane, pair: Pair, adopters: dict[Pair, Adopter]) -> Adopter:
    """Of what serves now; what was seen of a cluster that does not serve any more is forgotten."""
    if pair not in adopters:
        for old in [p for p in adopters if p.scope == pair.scope]:
            if old.from_cluster != pair.from_cluster:
                del adopters[old]
        adopters[pair] = Adopter(plane, pair.scope, pair.from_cluster)
    return adopters[pair]


def _tell(known: dict[Pair, str], pair: Pair, why: str | None) -> None:
    """Say when the watch over a replica begins to stand still, and when it goes on."""
    before = known.pop(pair, None)
    if why is not None:
        known[pair] = why
    if (before is None) == (why is None):
        return
    told = msgspec.structs.asdict(pair)
    if why is not None:
        _logger.warning("replica.not_watched", **told, detail=why)
    else:
        _logger.warning("replica.watched_again", **told)


def replicas(plane: ControlPlane) -> list[Pair]:
    """Each scope's cluster with each of the others."""
    return [
        Pair(scope=routing.scope, from_cluster=routing.cluster, to_cluster=other.name)
        for routing in plane.ledger.facts.control.of(Routing)
        for other in plane.settings.clusters
        if other.name != routing.cluster
    ]


def _pairs(plane: ControlPlane) -> list[Pair]:
    """Those that are watched: behind a fence the switch looks for itself."""
    facts = plane.ledger.facts
    return [
        pair
        for pair in replicas(plane)
        if (switch := facts.open_switch(pair.scope)) is None or switch.fence_seq is None
    ]


async def find_losses(
    plane: ControlPlane, readers: Readers, pair: Pair, *, keep: bool = False
) -> Losses:
    """What the replica lacks: of the cluster as it is, or as it was when it last answered.

    Args:
        plane: the control plane that looks.
        readers: of the clusters.
        pair: the cluster that serves, and the replica.
        keep: whether what is seen is kept, as the leader does; whoever only asks leaves that to it.

    Raises:
        UnreachableError: the replica does not answer.
    """
    at, answered = time.monotonic(), True
    watched: Watched | None
    try:
        async with asyncio.timeout(_DEAD_AFTER_S):
            watched = await _look(plane, readers, pair, None)
    except (LookError, TimeoutError):
        answered = False
        await readers.close()
        watched = _still_true(plane, await plane.watches.newest(pair))
    else:
        # Beside the budget: that it takes long to keep is not the cluster's silence.
        if keep:
            await plane.watches.keep(pair, watched)
    if watched is None:
        return Losses(at=at, answered=False, seen_at=None, losses=())
    found = await losses(await readers.of(pair.to_cluster), watched)
    return Losses(at=at, answered=answered, seen_at=watched.seen_at, losses=found)


class EachWay(NamedTuple):
    """What was seen last of two clusters, the one as a replica of the other."""

    there: Watched | None
    back: Watched | None

    def is_that(self, other: "EachWay | None") -> bool:
        """Whether nothing was seen since."""
        return other is not None and self.there is other.there and self.back is other.back


async def seen_each_way(plane: ControlPlane, pair: Pair) -> EachWay:
    """What was seen last of a replica, and before a switch of it as the original."""
    there = _still_true(plane, await plane.watches.newest(pair))
    back = Pair(scope=pair.scope, from_cluster=pair.to_cluster, to_cluster=pair.from_cluster)
    return EachWay(there, _still_true(plane, await plane.watches.newest(back)))


async def newest_seen(plane: ControlPlane, pair: Pair) -> Watched | None:
    """The same in one."""
    return seen_both_ways(*await seen_each_way(plane, pair))


async def newest_troubles(plane: ControlPlane, pair: Pair) -> Troubles:
    """What the newest look found amiss; marks are read only where some hold no more."""
    look = await plane.watches.newest_look(pair)
    if look is None:
        return Troubles()
    if look.troubles is None or made_anew_since(plane.ledger.facts, look.seq):
        return troubles_of(_still_true(plane, await plane.watches.newest(pair)))
    return look.troubles


def _still_true(plane: ControlPlane, watched: Watched | None) -> Watched | None:
    """Without topics that have been emptied since, to be filled again from the beginning."""
    if watched is None:
        return None
    return forgetting(watched, made_anew_since(plane.ledger.facts, watched.seq))


class _There(NamedTuple):
    """What the cluster has that serves."""

    seq: int
    """The newest event before it was asked."""
    partitions: list[TopicPartition]
    """Of all its topics."""


async def _ask(plane: ControlPlane, readers: Readers, pair: Pair) -> _There:
    seq = plane.ledger.facts.seq
    source = await readers.of(pair.from_cluster)
    there = _There(seq, await source.all_partitions())
    plane.topic_ids[pair.from_cluster] = source.topic_ids
    return there


async def _look(
    plane: ControlPlane,
    readers: Readers,
    pair: Pair,
    before: Watched | None,
    adopter: Adopter | None = None,
) -> Watched:
    there = await _ask(plane, readers, pair)
    if adopter is not None:
        # Whether or not the replica answers.
        await adopter.look(there.partitions)
    return await _watch_one(plane, readers, pair, there, before)


async def _watch_one(
    plane: ControlPlane, readers: Readers, pair: Pair, there: _There, before: Watched | None
) -> Watched:
    back = None
    if before is None:
        each_way = await seen_each_way(plane, pair)
        before, back = seen_both_ways(*each_way), each_way.back
    before = _still_true(plane, before)
    source, replica = await readers.of(pair.from_cluster), await readers.of(pair.to_cluster)
    facts = plane.ledger.facts
    topics = facts.topics_in(pair.scope)
    ours = [p for p in there.partitions if p.topic in topics]
    direction = Direction(source=pair.from_cluster, target=pair.to_cluster)
    filled = filled_by_the_mirror_alone(facts, pair.scope, direction)
    equal_at = equal_ends(facts, pair.scope, direction, None)
    seen = await watch(source, replica, ours, before, filled, back=back, equal_at=equal_at)
    return msgspec.structs.replace(seen, seq=there.seq)

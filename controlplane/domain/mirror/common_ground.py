"""Where two clusters provably held the same, and whether they may have come apart since."""

from contract.mirror import Direction
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.made_anew import made_anew_since
from controlplane.domain.mirror.positions import split
from controlplane.domain.mirror.request import is_switch_lost, last_committed
from controlplane.domain.replica import Watched
from controlplane.domain.switch.events import Ends
from controlplane.domain.switch.state import Switch


def came_apart(facts: Facts, scope: str) -> bool:
    """Whether the newest switch left its cluster without proof that the target held everything.

    Of one that the log has lost nobody knows that it did not.
    """
    switch = last_committed(facts, scope)
    return is_switch_lost(facts, scope) or (switch is not None and switch.cut is None)


def held_the_same(
    facts: Facts, scope: str, direction: Direction
) -> tuple[dict[str, int], dict[str, int]]:
    """End offsets of source and target at the newest moment when they provably held the same."""
    newest = next(
        (s for s in reversed(facts.switches.values()) if _proved(s, scope, direction)), None
    )
    if newest is None or newest.cut is None or newest.commit_seq is None:
        return {}, {}
    if is_switch_lost(facts, scope):
        return {}, {}
    again = made_anew_since(facts, newest.commit_seq)
    ends = _without(again, newest.cut.source), _without(again, newest.cut.target)
    return ends if newest.from_cluster == direction.source else (ends[1], ends[0])


def equal_ends(
    facts: Facts, scope: str, direction: Direction, seen: Watched | None
) -> dict[str, set[tuple[int, int]]]:
    """Pairs of end offsets at which partitions (`topic-n`) held the same.

    At the newest switch between the two clusters, and when the watch saw the replica's last record
    on both.
    """
    ours, theirs = held_the_same(facts, scope, direction)
    found: dict[str, set[tuple[int, int]]] = {
        name: {(end, theirs[name])} for name, end in ours.items() if name in theirs
    }
    for mark in seen.marks if seen is not None else ():
        if mark.anchor is not None:
            ends = (mark.anchor.source + 1, mark.anchor.replica + 1)
            found.setdefault(mark.partition, set()).add(ends)
    return found


def _without(topics: frozenset[str], ends: Ends) -> dict[str, int]:
    return {name: end for name, end in ends if split(name)[0] not in topics}


def _proved(switch: Switch, scope: str, direction: Direction) -> bool:
    pair = {switch.from_cluster, switch.to_cluster}
    return (
        switch.scope == scope
        and switch.commit_seq is not None
        and switch.cut is not None
        and pair == {direction.source, direction.target}
    )

"""The worlds that are explored: sound ones, and one without each of the rules."""

from msgspec.structs import replace

from controlplane.domain.switch.rules import Rules
from controlplane.domain.switch.transitions import Phase
from tests.model.explorer import follow
from tests.model.moves import beginning
from tests.model.nodes import is_serving
from tests.model.unsafe import (
    DrainedWithConnections,
    KeepsConnectionsAfterGap,
    RelaysWithoutLease,
)
from tests.model.world import OLD, ONE_WRITE, Flaws, World

SOUND = Flaws()
_NOTHING = ONE_WRITE._replace(writes=0)
_LEADER_CHANGES = _NOTHING._replace(crashes=1, bypasses=1)

_ABLATIONS = {
    "C1 every member": (Flaws(Rules(c1_every_member=False)), ONE_WRITE),
    "C1 the fence is published": (Flaws(Rules(c1_published_fence=False)), ONE_WRITE),
    "C2 wait from the own lead": (Flaws(Rules(c2_wait_from_own_lead=False)), ONE_WRITE),
    "C2 grants below the fence": (Flaws(grant_to_anyone=True), ONE_WRITE),
    "C3 prove again": (Flaws(Rules(c3_prove_again=False)), _LEADER_CHANGES),
    "C4 abort or commit": (Flaws(Rules(c4_abort_or_commit=False)), _NOTHING),
    "C7 positions first": (Flaws(Rules(c7_positions_first=False)), ONE_WRITE),
    "C8 numbers first": (Flaws(Rules(c8_numbers_first=False)), ONE_WRITE),
    "C9 parity first": (Flaws(Rules(c9_parity_first=False)), ONE_WRITE),
    "C6 deadline": (Flaws(Rules(c6_deadline=False)), _NOTHING),
    "N3 relay without lease": (Flaws(relay=RelaysWithoutLease), ONE_WRITE),
    "N4 lease from receipt": (Flaws(n4_lease_from_receipt=True), ONE_WRITE),
    "N5 connections kept": (Flaws(scope=KeepsConnectionsAfterGap), ONE_WRITE),
    "N6 drained with requests": (Flaws(scope=DrainedWithConnections), ONE_WRITE),
}
_UNCOMPARED = {
    "a log is decided on of which nodes know more": Flaws(compares=False),
    "leases by a log of which nodes know more": Flaws(grants_on_any_log=True),
}


def _after_an_abort() -> World:
    """A node said that it is drained, the switch was aborted, and the node serves again."""
    names = (
        *("request", "lead", "publish", "publish", "lead"),
        *("n0 reads the topic", "n0 reports, hears nothing"),
        *("abort", "lead", "publish", "n0 reads the topic"),
    )
    world = follow(beginning(1, ONE_WRITE._replace(switches=2, aborts=1)), SOUND, names)
    assert world.switch is not None
    assert world.switch.phase is Phase.ABORTED
    standing = world.nodes[0].state.standing(OLD)
    assert standing is not None
    assert standing.phase == "serving"
    return world


_TO_THE_COMMIT = (
    *("request", "publish", "lead", "publish", "lead", "tick", "tick"),
    *("lead", "lead", "lead", "tick", *("lead",) * 7, "publish"),
)
"""Of a switch, with a node that hears nothing and has let its lease run out."""


def _committed(writes: int) -> World:
    """The log can lose its tail from here on, a commit that was broadcast with it."""
    world = follow(beginning(1, _NOTHING._replace(losses=1)), SOUND, _TO_THE_COMMIT)
    assert world.mirrored_at_commit is not None
    assert world.published == len(world.records)
    return replace(world, left=world.left._replace(writes=writes))


def _taken_back_behind_the_fence() -> World:
    """The log has lost that a switch was asked for, whose fence was broadcast; it may be again."""
    begun = beginning(1, _NOTHING._replace(losses=1))
    names = "request", "lead", "publish", "publish", "lead", "n0 reads the topic"
    fenced = follow(begun, SOUND, names)
    everything = f"lose {len(fenced.backups) - 1} events"
    names = everything, "take back", "publish", "n0 reads the topic"
    world = follow(fenced, SOUND, names)
    assert (world.switch, is_serving(fenced.nodes[0])) == (None, False)
    assert is_serving(world.nodes[0])
    return replace(world, left=world.left._replace(switches=1))


LOSSES = {
    "a log that loses its tail": beginning(1, _NOTHING._replace(losses=1)),
    "a log that loses a commit, with writes": _committed(writes=2),
    "a switch after a log took back what was broadcast": _taken_back_behind_the_fence(),
}
SAFE = {
    "one switch": beginning(1, ONE_WRITE),
    "after an abort": _after_an_abort(),
    **LOSSES,
}
"""With all rules nothing goes wrong in them."""
UNSAFE = {
    "C5 current reports only": (_after_an_abort(), Flaws(Rules(c5_current_reports_only=False))),
    **{rule: (beginning(1, left), flaws) for rule, (flaws, left) in _ABLATIONS.items()},
    **{rule: (_committed(writes=1), flaws) for rule, flaws in _UNCOMPARED.items()},
}
"""By the rule that is taken away; something goes wrong in each of them."""

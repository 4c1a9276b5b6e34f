"""What can happen next in a world, and how one begins."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from controlplane.domain.switch.transitions import ABORTABLE, Phase
from tests.model import control_plane, losing, nodes
from tests.model.world import BUDGET, Flaws, Left, Node, World, backed_up, tick

Move: TypeAlias = tuple[str, Callable[[], World]]
"""What happens, and the world after it."""


def moves(world: World, flaws: Flaws) -> Iterator[Move]:
    """Everything that can happen next."""
    yield "tick", partial(tick, world)
    yield from _losses(world, flaws)
    if losing.may_decide(world, flaws):
        yield from _control_plane_moves(world, flaws)
    yield from _cluster_moves(world)
    for number, node in enumerate(world.nodes):
        for name, then in _node_moves(world, number, node, flaws):
            yield f"n{number} {name}", then


def _losses(world: World, flaws: Flaws) -> Iterator[Move]:
    for events in losing.losable(world):
        if losing.may_lose(world, events):
            yield f"lose {events} events", partial(losing.lose, world, events)
    if world.broadcast is not None and flaws.compares:
        yield "take back", partial(losing.take_back, world)


def _control_plane_moves(world: World, flaws: Flaws) -> Iterator[Move]:
    switch, left = world.switch, world.left
    if world.published < len(world.records):
        yield "publish", partial(control_plane.publish, world)
    if switch is None or (switch.phase is Phase.ABORTED and left.switches):
        if left.switches:
            yield "request", partial(control_plane.request_switch, world)
        return
    if not switch.open:
        return
    yield "lead", partial(control_plane.lead, world, flaws)
    if world.recall.requested_at > -BUDGET and switch.phase in ABORTABLE:
        yield "run out of time", partial(control_plane.run_out_of_time, world)
    if left.crashes:
        yield "lead anew", partial(control_plane.lead_anew, world)
    if left.aborts and switch.phase in ABORTABLE:
        yield "abort", partial(control_plane.request_abort, world)


def _cluster_moves(world: World) -> Iterator[Move]:
    if world.mirrored < world.old_end and world.mirrored_at_commit is None:
        yield "mirror", partial(nodes.mirror, world)
    if world.cut_writes:
        yield "land cut write", partial(nodes.land_cut_write, world)
    if world.left.bypasses and world.switch is not None:
        yield "write past the gateway", partial(nodes.write_past_gateway, world)


def _node_moves(world: World, number: int, node: Node, flaws: Flaws) -> Iterator[Move]:
    yield "reads the topic", partial(nodes.read_topic, world, number, flaws)
    yield "reports", partial(nodes.report, world, number, flaws, "at once")
    yield "reports, hears nothing", partial(nodes.report, world, number, flaws, "nothing")
    if node.answer is not None:
        yield "hears of its lease", partial(nodes.hear_late, world, number, flaws)
    elif nodes.may_be_granted(world, node, flaws):
        yield "reports, will hear", partial(nodes.report, world, number, flaws, "later")
    yield "looks at the clock", partial(nodes.look_at_clock, world, number, flaws)
    if world.left.restarts:
        yield "restarts", partial(nodes.restart, world, number)
    if node.write is None:
        if world.left.writes and nodes.is_serving(node):
            yield "forwards", partial(nodes.forward, world, number, flaws)
    elif node.write.index is None:
        yield "'s write lands", partial(nodes.land, world, number)
    else:
        yield "relays", partial(nodes.relay, world, number, flaws)


def beginning(count: int, left: Left) -> World:
    """All nodes serve the old cluster; nothing has been asked for."""
    world = backed_up(World(nodes=(Node(),) * count, reports=(None,) * count, left=left))
    for number in range(count):
        world = nodes.read_topic(world, number, Flaws())
    return world

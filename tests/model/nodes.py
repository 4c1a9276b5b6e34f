"""The nodes' moves: `machine.handle` on what a node hears, and requests on their way through it."""

from functools import cache
from typing import Final, NamedTuple

from msgspec.structs import replace

from contract.records import Routing
from contract.session import ScopeReport
from dataplane.node import machine
from dataplane.node.contradiction import of_answer
from dataplane.node.machine import Command, NodeState, Order
from dataplane.relay.upstream_state import UpstreamState
from tests.model.losing import may_decide
from tests.model.relays import Asked, Client, Door, Stage
from tests.model.world import (
    LEASE,
    NEW,
    OLD,
    Flaws,
    Joined,
    Node,
    Report,
    World,
    Write,
    fence_seq,
    leased,
    topic,
    with_node,
)


def report(world: World, number: int, flaws: Flaws, hears: str) -> World:
    """A node reports over HTTP; the answer is lost, comes at once, or (a lease alone) late."""
    node = world.nodes[number]
    said = _said(node)
    if world.reports[number] != said:
        reports = (*world.reports[:number], said, *world.reports[number + 1 :])
        world = replace(world, reports=reports)
    granted = may_be_granted(world, node, flaws)
    if hears == "nothing":
        return world
    if hears == "later":
        return with_node(world, number, replace(node, answer=0))
    if of_answer(_LOG, node.applied, _LOG, world.seq) is not None:
        return world
    world = _take_records(world, number, world.records, flaws)
    return _take(world, number, machine.SessionGranted(0, LEASE), flaws) if granted else world


def may_be_granted(world: World, node: Node, flaws: Flaws) -> bool:
    """C2: whether a report earns a lease."""
    knows_the_fence = flaws.grant_to_anyone or node.applied >= fence_seq(world)
    return knows_the_fence and (flaws.grants_on_any_log or may_decide(world, flaws))


def _said(node: Node) -> Report | None:
    """What a coordinator could make something of."""
    standing = node.state.standing(OLD)
    if standing is None or (standing.phase, standing.routing.epoch) == ("serving", 0):
        return None
    if standing.phase not in {"drained", "serving"}:
        return None
    epoch, term = standing.routing.epoch, standing.routing.term
    scope = ScopeReport(phase=standing.phase, epoch=epoch, term=term, in_flight=0, held=0)
    return Report(node.incarnation, node.applied, scope)


def hear_late(world: World, number: int, flaws: Flaws) -> World:
    """A lease arrives that was asked for some time ago."""
    sent_at = world.nodes[number].answer
    assert sent_at is not None
    granted_at = 0 if flaws.n4_lease_from_receipt else sent_at
    world = _take(world, number, machine.SessionGranted(granted_at, LEASE), flaws)
    return with_node(world, number, replace(world.nodes[number], answer=None))


def read_topic(world: World, number: int, flaws: Flaws) -> World:
    """A node reads the control topic to its end."""
    world = _take_records(world, number, topic(world), flaws)
    return _take(world, number, machine.TopicRead(0, LEASE), flaws)


def look_at_clock(world: World, number: int, flaws: Flaws) -> World:
    """A node's timer fires."""
    return _take(world, number, machine.Ticked(), flaws)


def restart(world: World, number: int) -> World:
    """A node's process is killed, and another takes its place."""
    node = world.nodes[number]
    lost = node.write is not None and node.write == Write(OLD)
    fresh = Node(state=NodeState(), incarnation=node.incarnation + 1)
    left = world.left._replace(restarts=world.left.restarts - 1)
    cut = min(world.cut_writes + lost, 1)
    seq = world.seq + 1
    records = (*world.records, (seq, Joined(number, fresh.incarnation)))
    started = replace(world, left=left, cut_writes=cut, seq=seq, records=records)
    return with_node(started, number, fresh)


def forward(world: World, number: int, flaws: Flaws) -> World:
    """A client's write goes to the cluster that the node knows."""
    node = world.nodes[number]
    left = world.left._replace(writes=world.left.writes - 1)
    came = _asked(flaws, node.door, node.client, node.state.relay_deadline)
    world = with_node(replace(world, left=left), number, replace(node, client=came.client))
    for epoch in came.sent:
        write = Write((OLD, NEW)[epoch])
        world = with_node(world, number, replace(world.nodes[number], write=write))
    return world


def land(world: World, number: int) -> World:
    """The cluster appends a node's write."""
    node = world.nodes[number]
    assert node.write is not None
    if node.write.cluster == NEW:
        wrong = None if world.mirrored_at_commit is not None else "written to the new cluster early"
        landed = replace(node, write=replace(node.write, index=0))
        return with_node(replace(world, wrong=wrong or world.wrong), number, landed)
    end = world.old_end + 1
    landed = replace(node, write=replace(node.write, index=end))
    return with_node(replace(world, old_end=end), number, landed)


def relay(world: World, number: int, flaws: Flaws) -> World:
    """The client is told that its write was taken, if that may be told."""
    node = world.nodes[number]
    write = node.write
    assert write is not None
    assert write.index is not None
    came = _answered(flaws, node.door, node.client, node.state.relay_deadline)
    if came.relayed and write.cluster == OLD:
        told = max(world.acknowledged, write.index)
        kept = world.mirrored_at_commit
        lost = kept is not None and write.index > kept
        wrong = "acknowledged, and not on the cluster that serves (I1)" if lost else world.wrong
        world = replace(world, acknowledged=told, wrong=wrong)
    world = with_node(world, number, replace(node, write=None))
    world = _after(world, number, flaws, came)
    return _take(world, number, machine.Ticked(), flaws) if came.lapsed else world


def land_cut_write(world: World) -> World:
    """Bytes whose connection is gone are appended all the same."""
    return replace(world, cut_writes=world.cut_writes - 1, old_end=world.old_end + 1)


def write_past_gateway(world: World) -> World:
    """Somebody writes to the old cluster directly."""
    left = world.left._replace(bypasses=world.left.bypasses - 1)
    return replace(world, old_end=world.old_end + 1, left=left)


def mirror(world: World) -> World:
    """The mirror copies a record."""
    return replace(world, mirrored=world.mirrored + 1)


def is_serving(node: Node) -> bool:
    """N2: whether a request may be sent on."""
    return machine.is_serving(node.state, OLD, 0)


def _take_records(
    world: World, number: int, records: tuple[tuple[int, Routing | Joined], ...], flaws: Flaws
) -> World:
    for seq, state in records:
        node = world.nodes[number]
        if seq <= node.applied:
            continue
        world = with_node(world, number, replace(node, applied=seq))
        if isinstance(state, Routing):
            world = _take(world, number, machine.RoutingApplied(state), flaws)
        elif state == Joined(number, node.incarnation):
            world = _take(world, number, machine.Registered(), flaws)
    if world.nodes[number].state.replayed:
        return world
    return _take(world, number, machine.Replayed(), flaws)


def _take(world: World, number: int, event: machine.Event, flaws: Flaws) -> World:
    """Have the machine take an event in, and carry out what it commands."""
    node = world.nodes[number]
    state, commands = _handled(node.state, event)
    if state != node.state:
        world = with_node(world, number, replace(node, state=state))
    for command in commands:
        if command.order is not Order.REPORT:
            node = world.nodes[number]
            deadline = node.state.relay_deadline
            came = _ordered(flaws, node.door, node.client, deadline, command)
            world = _after(world, number, flaws, came)
    return world


@cache
def _handled(
    state: NodeState, event: machine.Event
) -> tuple[NodeState, tuple[machine.Command, ...]]:
    """Asked for much more often than there are states of a node."""
    state, commands = machine.handle(state, event, 0)
    return leased(state), commands


_LOG: Final = "log"


class _Came(NamedTuple):
    """What came of a move on a node's scope and its client."""

    door: Door
    client: Client
    sent: tuple[int, ...]
    """The epochs of the brokers that got something."""
    relayed: bool
    closed: bool
    lapsed: bool


@cache
def _ordered(flaws: Flaws, door: Door, client: Client, deadline: float, command: Command) -> _Came:
    stage = Stage(door, [client], deadline, flaws.relay, flaws.scope)
    stage.scope.carry_out(command, 0)
    return _taken_down(stage)


@cache
def _asked(flaws: Flaws, door: Door, client: Client, deadline: float) -> _Came:
    client = Client() if client.is_over else client
    stage = Stage(door, [client], deadline, flaws.relay, flaws.scope)
    stage.shells[0].ask(Asked(0))
    return _taken_down(stage)


@cache
def _answered(flaws: Flaws, door: Door, client: Client, deadline: float) -> _Came:
    stage = Stage(door, [client], deadline, flaws.relay, flaws.scope)
    relayed = stage.shells[0].answered()
    return _taken_down(stage)._replace(relayed=relayed is not None)


def _taken_down(stage: Stage) -> _Came:
    (shell,) = stage.shells
    while shell.machine.state is UpstreamState.DIALLING:
        shell.opened()  # at once: what may happen meanwhile, `test_relays` looks at
    (client,) = stage.values()
    sent = tuple(epoch for _, epoch in shell.sent)
    return _Came(stage.door, client, sent, relayed=False, closed=stage.closed, lapsed=shell.lapsed)


def _after(world: World, number: int, flaws: Flaws, came: _Came) -> World:
    """Take down what came of a move; bytes whose connection was closed may land all the same."""
    node = replace(world.nodes[number], door=came.door, client=came.client)
    if node.write is not None and not came.client.wire:
        if node.write == Write(OLD):
            world = replace(world, cut_writes=min(world.cut_writes + 1, 1))
        node = replace(node, write=None)
    world = with_node(world, number, node)
    return _take(world, number, machine.UpstreamsClosed(OLD), flaws) if came.closed else world

"""A node with two scopes and a client in each, explored: production's machines and scopes.

What `world` leaves out to stay small is here, and the coordinator is not: one scope is fenced, and
then moves or is opened again, as the log can have it; the other goes on serving. Clients ask a read
and a write at once. Brokers are connected when they are; they answer in the order of the requests.

A scope may move only when no node that it knows of can still relay an answer from before: this one
said that it is drained, or the lease that it had at the fence is over. That is all a coordinator
goes by, so here it is simply what `Log.may_move` says.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from contract.records import Routing
from dataplane.gateway.scope import Scope
from dataplane.node import machine
from dataplane.node.machine import NodeState, Order
from dataplane.relay.machine import RelayMachine
from tests.model.relays import READ, WRITE, Asked, Client, Door, Stage
from tests.model.world import leased

SCOPES: Final = ("fenced", "steady")
"""One that is switched, and one that is not."""
LEASE: Final = 2
"""Ticks: a lease can be renewed before it is over, so a drain can end before the lease does."""
AGO: Final = -1


class Flaws(NamedTuple):
    """What is taken away."""

    relay: type[RelayMachine[Any]] = RelayMachine
    scope: type[Scope] = Scope


class Node(msgspec.Struct, frozen=True):
    """Everything at one moment."""

    state: NodeState = NodeState(replayed=True, registered=True)
    doors: tuple[Door, ...] = tuple(map(Door, SCOPES))
    clients: tuple[Client, ...] = (Client(), Client())
    log: tuple[str, ...] = ("serving",)
    """What the log says of the scope that is switched: fenced, serving again, moved."""
    heard: int = 1
    """How much of it the node has applied."""
    granted_until: int = 0
    """When the last lease is over that was granted before the fence was published."""
    asks: tuple[int, ...] = (2, 2)
    """How often each client may still ask."""
    written: tuple[int, ...] = ()
    """Writes that a broker has got."""
    wrong: str | None = None


Move: TypeAlias = tuple[str, Callable[[], Node]]


def beginning() -> Node:
    """Both scopes are served."""
    node = Node()
    for scope in SCOPES:
        node = _take(node, machine.RoutingApplied(_routing(scope, "serving")), Flaws())
    return _granted(node, Flaws())


def moves(node: Node, flaws: Flaws) -> Iterator[Move]:
    """Everything that can happen next."""
    yield "tick", partial(_tick, node)
    yield "looks at the clock", lambda: _take(node, machine.Ticked(), flaws)
    yield "gets a lease", partial(_granted, node, flaws)
    if node.log[-1] == "serving" and len(node.log) == 1:
        yield "fence", lambda: replace(node, log=(*node.log, "fenced"))
    if node.log[-1] == "fenced":
        yield "abort", lambda: replace(node, log=(*node.log, "serving"))
        if _may_move(node):
            yield "move", lambda: replace(node, log=(*node.log, "moved"))
    if node.heard < len(node.log):
        yield "hears", partial(_hear, node, flaws)
    for number, client in enumerate(node.clients):
        for name, then in _client_moves(node, number, client, flaws):
            yield f"{SCOPES[number]} {name}", then


def _client_moves(node: Node, number: int, client: Client, flaws: Flaws) -> Iterator[Move]:
    if node.asks[number] and not client.is_over:
        yield "asks", partial(_ask, node, number, flaws)
    if client.state == "dialling":
        yield "is connected", partial(_connect, node, number, flaws)
    if client.wire:
        yield "is answered", partial(_answer, node, number, flaws)


def _may_move(node: Node) -> bool:
    standing = node.state.standing(SCOPES[0])
    drained = standing is not None and standing.phase == "drained"
    knows = "fenced" in node.log[: node.heard]
    return (drained and knows) or node.granted_until <= 0


# --- the log and the lease -----------------------------------------------------------------------


def _routing(scope: str, says: str) -> Routing:
    epoch = 1 if says == "moved" else 0
    state = "fenced" if says == "fenced" else "serving"
    return Routing(scope=scope, cluster=str(epoch), epoch=epoch, state=state, term=0)


def _hear(node: Node, flaws: Flaws) -> Node:
    routing = _routing(SCOPES[0], node.log[node.heard])
    return _take(replace(node, heard=node.heard + 1), machine.RoutingApplied(routing), flaws)


def _granted(node: Node, flaws: Flaws) -> Node:
    """A lease is asked for and granted; after the fence only to who knows of it (C2)."""
    if "fenced" in node.log:
        if "fenced" not in node.log[: node.heard]:
            return node
    else:
        node = replace(node, granted_until=LEASE)
    return _take(node, machine.SessionGranted(0, LEASE), flaws)


def _tick(node: Node) -> Node:
    """What was noted is one longer ago."""
    standings = tuple(
        s if s.drain_by is None else replace(s, drain_by=max(s.drain_by - 1, AGO))
        for s in node.state.standings
    )
    return replace(
        node,
        state=leased(replace(node.state, standings=standings), -1),
        granted_until=max(node.granted_until - 1, 0),
    )


def _take(node: Node, event: machine.Event, flaws: Flaws) -> Node:
    state, commands = machine.handle(node.state, event, 0)
    node = replace(node, state=leased(state))
    for command in commands:
        if command.order is Order.REPORT:
            continue
        number = SCOPES.index(command.routing.scope)
        came = _ordered(flaws, *_about(node, number), command)
        node = _after(node, number, flaws, came)
    return node


# --- clients -------------------------------------------------------------------------------------


def _ask(node: Node, number: int, flaws: Flaws) -> Node:
    """A read with a write behind it the first time, then a write alone."""
    left = node.asks[number] - 1
    asked = (Asked(10 * left, READ), Asked(10 * left + 1, WRITE))[1 - left :]
    asks = tuple(left if n == number else a for n, a in enumerate(node.asks))
    came = _asked(flaws, *_about(node, number), asked)
    return _after(replace(node, asks=asks), number, flaws, came)


def _connect(node: Node, number: int, flaws: Flaws) -> Node:
    return _after(node, number, flaws, _connected(flaws, *_about(node, number)))


def _answer(node: Node, number: int, flaws: Flaws) -> Node:
    came = _answered(flaws, *_about(node, number))
    is_write = came.relayed is not None and came.relayed.key == WRITE
    is_old = number == 0 and node.clients[number].epoch == 0 and "moved" in node.log
    if is_write and is_old:
        node = replace(node, wrong="acknowledged by a cluster that the scope has left (I1)")
    node = _after(node, number, flaws, came)
    return _take(node, machine.Ticked(), flaws) if came.lapsed else node


def _after(node: Node, number: int, flaws: Flaws, came: "_Came") -> Node:
    doors = tuple(came.door if n == number else d for n, d in enumerate(node.doors))
    clients = tuple(came.client if n == number else c for n, c in enumerate(node.clients))
    node = replace(node, doors=doors, clients=clients, wrong=node.wrong or came.wrong)
    for asked, epoch in came.sent:
        node = _sent(node, number, asked, epoch)
    if came.closed:
        node = _take(node, machine.UpstreamsClosed(SCOPES[number]), flaws)
    return node


def _sent(node: Node, number: int, asked: Asked, epoch: int) -> Node:
    standing = node.state.standing(SCOPES[number])
    assert standing is not None
    if number == 0 and epoch == 0 and "moved" in node.log:
        return replace(node, wrong="sent to a cluster that the scope has left (N2)")
    if standing.phase == "drained":
        return replace(node, wrong="sent after the node said that it is drained (N6)")
    if asked.key != WRITE:
        return node
    write = 100 * number + asked.number
    if write in node.written:
        return replace(node, wrong="a write was sent twice")
    return replace(node, written=(*node.written, write))


def _about(node: Node, number: int) -> tuple[Door, Client, float]:
    return node.doors[number], node.clients[number], node.state.relay_deadline


class _Came(NamedTuple):
    door: Door
    client: Client
    sent: tuple[tuple[Asked, int], ...]
    relayed: Asked | None
    closed: bool
    lapsed: bool
    wrong: str | None


def _stage(flaws: Flaws, door: Door, client: Client, deadline: float) -> Stage:
    return Stage(door, [client], deadline, flaws.relay, flaws.scope)


@cache
def _ordered(
    flaws: Flaws, door: Door, client: Client, deadline: float, command: machine.Command
) -> _Came:
    stage = _stage(flaws, door, client, deadline)
    stage.scope.carry_out(command, 0)
    return _taken_down(stage)


@cache
def _asked(
    flaws: Flaws, door: Door, client: Client, deadline: float, asked: tuple[Asked, ...]
) -> _Came:
    stage = _stage(flaws, door, client, deadline)
    stage.shells[0].ask(*asked)
    return _taken_down(stage)


@cache
def _connected(flaws: Flaws, door: Door, client: Client, deadline: float) -> _Came:
    stage = _stage(flaws, door, client, deadline)
    stage.shells[0].opened()
    return _taken_down(stage)


@cache
def _answered(flaws: Flaws, door: Door, client: Client, deadline: float) -> _Came:
    stage = _stage(flaws, door, client, deadline)
    relayed = stage.shells[0].answered()
    return _taken_down(stage, relayed)


def _taken_down(stage: Stage, relayed: Asked | None = None) -> _Came:
    (shell,) = stage.shells
    (client,) = stage.values()
    wrong = None
    if shell.is_wrong:
        wrong = "an answer met another request"
    elif shell.forgets:
        wrong = "a request is answered by nobody"
    return _Came(stage.door, client, tuple(shell.sent), relayed, stage.closed, shell.lapsed, wrong)

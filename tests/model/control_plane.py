"""The control plane's moves: `next_steps` on what `Memory` knows, and an event log to append to."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from controlplane.coordinator.memory import Memory
from controlplane.domain.event import Recorded
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch import events
from controlplane.domain.switch.state import Switch, after
from controlplane.domain.switch.step import Append
from controlplane.domain.switch.steps import next_steps
from controlplane.domain.switch.transitions import ABORTABLE, Phase
from controlplane.domain.switch.view import (
    MirrorState,
    NodeView,
    Numbers,
    Positions,
    Preflight,
    Sweep,
    Transactions,
    View,
)
from tests.model.world import (
    BUDGET,
    LONG_AGO,
    NEW,
    OLD,
    TIMING,
    Flaws,
    Recall,
    World,
    backed_up,
    routing,
)

SOME_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)
NO_ID: Final = UUID(int=0)


def request_switch(world: World) -> World:
    """An operator asks for a switch."""
    number = world.left.switches
    event = events.SwitchRequested(
        switch_id=f"s{number}",
        scope=OLD,
        from_cluster=OLD,
        to_cluster=NEW,
        mode="planned",
        expected_epoch=0,
        budget_s=BUDGET,
        mirror_budget_s=2,
        quiesce_budget_s=1,
    )
    left = world.left._replace(switches=number - 1)
    asked = _append(replace(world, switch=None, recall=Recall(), left=left), event)
    # Until then traffic flows as ever, so what happens meanwhile need not be told apart.
    while asked.switch is not None and not _waits_for_clients(asked.switch, asked.recall):
        asked = lead(asked, Flaws())
    return replace(asked, recall=replace(asked.recall, requested_at=LONG_AGO))


def _waits_for_clients(switch: Switch, recall: Recall) -> bool:
    """Whether the fence is next. To nodes that hold transactions nothing else is new."""
    rests = switch.phase is Phase.QUIESCING and switch.hold_seq is not None
    return rests and recall.mirror is not None


def request_abort(world: World) -> World:
    """An operator changes his mind."""
    assert world.switch is not None
    event = events.AbortRequested(
        switch_id=world.switch.switch_id, at_phase=world.switch.phase.value, cause="asked"
    )
    aborted = _append(world, event)
    return replace(aborted, left=world.left._replace(aborts=world.left.aborts - 1))


def run_out_of_time(world: World) -> World:
    """The switch's budget is over."""
    return replace(world, recall=replace(world.recall, requested_at=-BUDGET))


def lead_anew(world: World) -> World:
    """Another control plane leads: it knows the log and the reports, and nothing else."""
    return replace(
        world,
        recall=Recall(requested_at=world.recall.requested_at),
        old_end_at_lead=world.old_end,
        left=world.left._replace(crashes=world.left.crashes - 1),
    )


def publish(world: World) -> World:
    """The next record reaches the control topic."""
    broadcast = world.broadcast
    if broadcast is not None:
        broadcast = (*broadcast, world.records[world.published])
    return replace(world, published=world.published + 1, broadcast=broadcast)


def lead(world: World, flaws: Flaws) -> World:
    """The leader decides once, and does it."""
    assert world.switch is not None
    world = replace(world, recall=_seen(world))
    for step in next_steps(_view(world), 0, flaws.rules):
        if isinstance(step, Append):
            for event in step.events:
                world = _append(world, event)
        else:
            world = _probed(world, step.what)
    overdue = world.recall.requested_at + BUDGET <= 0
    if overdue and world.switch is not None and world.switch.phase in ABORTABLE:
        return replace(world, wrong="a switch goes on beyond its budget (I8)")
    if world.switch is not None and not world.switch.open:
        # Nobody remembers what was found out for a switch that is over.
        return replace(world, recall=Recall())
    return world


def _seen(world: World) -> Recall:
    recall, switch = world.recall, world.switch
    assert switch is not None
    memory = Memory(recall.requested_at)
    memory.phase_seen_at = dict(recall.phase_seen)
    memory.fence_seen_at, memory.fence_published_at = (
        recall.fence_seen_at,
        recall.fence_published_at,
    )
    memory.mirror, memory.positions = recall.mirror, recall.positions
    memory.numbers, memory.parity = recall.numbers, recall.parity
    memory.see(switch, world.records[world.published - 1][0], 0)
    seen_at, published_at = memory.fence_seen_at, memory.fence_published_at
    if seen_at is not None and published_at is not None:
        # Only the later of the two counts.
        seen_at = published_at = max(seen_at, published_at)
    return replace(
        recall,
        phase_seen=((switch.phase, int(memory.phase_seen_at[switch.phase])),),
        fence_seen_at=None if seen_at is None else int(seen_at),
        fence_published_at=None if published_at is None else int(published_at),
        mirror=memory.mirror,
        positions=memory.positions,
        numbers=memory.numbers,
        parity=memory.parity,
    )


def _view(world: World) -> View:
    switch, recall = world.switch, world.recall
    assert switch is not None
    return View(
        switch=switch,
        nodes=tuple(_node_view(world, number) for number in range(len(world.nodes))),
        timing=TIMING,
        requested_at=recall.requested_at,
        phase_seen_at=dict(recall.phase_seen).get(switch.phase, recall.requested_at),
        fence_seen_at=recall.fence_seen_at,
        fence_published_at=recall.fence_published_at,
        preflight=Preflight(checks=()) if recall.looked else None,
        ghosts_removed=0,
        transactions=Transactions(),
        sweeps=recall.sweeps,
        mirror=recall.mirror,
        positions=recall.positions,
        numbers=recall.numbers,
        parity=recall.parity,
        tombstones=(),
    )


def _node_view(world: World, number: int) -> NodeView:
    report = world.reports[number]
    name = f"n{number}"
    incarnation = str(world.nodes[number].incarnation)
    if report is None:
        return NodeView(node_id=name, incarnation=incarnation, alive=False)
    return NodeView(
        node_id=name,
        incarnation=incarnation,
        alive=False,
        reported_incarnation=str(report.incarnation),
        applied_seq=report.applied,
        report=report.scope,
    )


def _probed(world: World, what: str) -> World:
    recall = world.recall
    match what:
        case "preflight":
            recall = replace(recall, looked=True)
        case "sweep":
            sweep = Sweep(at=0, ends=(("t-0", world.old_end),))
            recall = replace(recall, sweeps=_telling((*recall.sweeps, sweep)))
        case "parity":
            world = replace(world, alike=world.old_end)
            recall = replace(recall, parity=Parity())
        case "positions":
            world = replace(world, positions=world.old_end)
            recall = replace(recall, positions=_translated(world.old_end))
        case "numbers":
            decided = Numbers(partitions=world.old_end, offsets=())
            recall = replace(recall, numbers=decided)
        case _:
            behind = ("t-0",) if world.mirrored < world.old_end else ()
            looked = MirrorState(at=0, partitions=1, behind=behind, far_behind=())
            recall = replace(recall, mirror=looked)
    return replace(world, recall=recall)


def _translated(end: int) -> Positions:
    return Positions(
        at=0,
        groups=1,
        positions=1,
        by_method=(),
        remarks=(),
        remarks_left_out=0,
        digest=str(end),
        duration_ms=0,
    )


def _telling(sweeps: tuple[Sweep, ...]) -> tuple[Sweep, ...]:
    """Without those that say nothing: the first, and from when on the ends are what they are."""
    since = next(s for s in sweeps if s.ends == sweeps[-1].ends)
    return tuple(dict.fromkeys((sweeps[0], since, sweeps[-1])))


def _append(world: World, event: events.SwitchEvent) -> World:
    seq = world.seq + 1
    version = world.switch.version + 1 if world.switch is not None else 1
    recorded = Recorded(
        event_id=NO_ID,
        seq=seq,
        version=version,
        recorded_at=SOME_TIME,
        actor="model",
        reason=None,
        event=event,
    )
    switch = after(world.switch, recorded)
    now = replace(routing(world), term=switch.term)
    match event:
        case events.QuiesceOrdered():
            now = replace(now, state="quiescing")
        case events.FenceOrdered():
            now = replace(now, state="fenced")
        case events.SwitchCommitted(epoch=epoch):
            world = _committed(world, switch)
            now = replace(now, state="serving", cluster=NEW, epoch=epoch)
        case events.SwitchAborted():
            world = _undone(world)
            now = replace(now, state="serving")
        case events.NumberingDecided(partitions=end):
            return backed_up(replace(world, seq=seq, switch=switch, numbered=end))
        case _:
            return backed_up(replace(world, seq=seq, switch=switch))
    records = (*world.records, (seq, now))
    return backed_up(replace(world, seq=seq, switch=switch, records=records))


def _undone(world: World) -> World:
    if world.mirrored_at_commit is None:
        return world
    return replace(world, wrong="undone after nodes were told of its commit")


def _committed(world: World, switch: Switch) -> World:
    wrong = world.wrong
    if world.mirrored_at_commit is not None:
        wrong = "committed from an epoch that nodes have left"
    elif world.acknowledged > world.mirrored:
        wrong = "committed without a record that was acknowledged (I2)"
    elif world.mirrored < world.old_end_at_lead:
        wrong = "committed without a record that was there when the leader began (C3)"
    elif world.positions < world.old_end_at_lead or world.positions < world.acknowledged:
        wrong = "committed without the positions of groups (C7)"
    elif world.numbered < world.old_end_at_lead or world.numbered < world.acknowledged:
        wrong = "committed without a decision about numbers (C8)"
    elif world.alike < world.old_end_at_lead or world.alike < world.acknowledged:
        wrong = "committed without what clients had done to the old cluster (C9)"
    elif not switch.caught_up:
        wrong = "committed without recorded proof (I10)"
    return replace(world, mirrored_at_commit=world.mirrored, wrong=wrong)

"""The log loses its newest events, and an operator takes back what was broadcast (ADR 27).

Production's `contradictions` says whether the log may be decided on, `reconcile` and its projection
what the log says afterwards. Control planes remember nothing here: their processes went with the
database. What is lost has reached the control topic, or nobody.
"""

from functools import cache

from msgspec.structs import replace

from contract.fold import ControlState
from contract.records import Record, Routing, key_of
from controlplane.domain.copies import Copy, Log, contradictions
from controlplane.domain.event import Recorded
from controlplane.domain.events import LogReconciled
from controlplane.domain.facts import Facts
from controlplane.domain.projection import reconciled
from controlplane.domain.reconciling import reconcile
from controlplane.domain.switch.state import Switch, cut_short
from tests.model.control_plane import NO_ID, SOME_TIME
from tests.model.world import Flaws, Joined, Recall, World, topic

_LOG = "log"


def losable(world: World) -> range:
    """How many of its newest events the log may lose."""
    if not world.left.losses:
        return range(0)
    return range(1, len(world.backups))


def may_lose(world: World, events: int) -> bool:
    """Whether no node has heard of what is lost before the control topic had it.

    A node that knows more than the topic has to be given up by hand: that is another story.
    """
    kept = world.backups[-1 - events]
    broadcast = topic(world)[-1][0]
    return all(node.applied <= max(kept.seq, broadcast) for node in world.nodes)


def lose(world: World, events: int) -> World:
    """A backup from so many events ago takes the database's place; soft state is in it as well."""
    kept, broadcast = world.backups[-1 - events], topic(world)
    left, told_more = world.records[: kept.records], broadcast[-1][0] > kept.seq
    committed = any(_epoch(state) == 1 for _, state in (*left, *broadcast))
    return replace(
        world,
        seq=kept.seq,
        records=left,
        published=min(world.published, kept.records),
        broadcast=broadcast if told_more else None,
        switch=kept.switch,
        numbered=kept.numbered,
        reports=kept.reports,
        # A commit that nobody was told of has not happened.
        mirrored_at_commit=world.mirrored_at_commit if committed else None,
        recall=Recall(requested_at=world.recall.requested_at),
        old_end_at_lead=world.old_end,
        left=world.left._replace(losses=world.left.losses - 1),
        backups=(),
    )


def _epoch(state: Routing | Joined) -> int:
    return state.epoch if isinstance(state, Routing) else 0


def may_decide(world: World, flaws: Flaws) -> bool:
    """Whether nothing stands against the log."""
    if world.broadcast is None or not flaws.compares:
        return True
    said = tuple(report.applied for report in world.reports if report is not None)
    return _stands(world.seq, world.broadcast[-1][0], said)


@cache
def _stands(seq: int, broadcast: int, said: tuple[int, ...]) -> bool:
    """By numbers alone: none is given out twice as long as nobody decides."""
    log = Log(log=_LOG, seq=seq, digest_at=lambda _: None)
    return not contradictions(log, _copies(broadcast, said))


def _copies(broadcast: int, said: tuple[int, ...]) -> list[Copy]:
    nodes = [Copy(where="a node", log=_LOG, seq=applied) for applied in said]
    return [Copy(where="the control topic", log=_LOG, seq=broadcast), *nodes]


def take_back(world: World) -> World:
    """An operator has the log say what was broadcast."""
    assert world.broadcast is not None
    facts = Facts(_LOG)
    facts.seq = world.seq
    said = tuple(report.applied for report in world.reports if report is not None)
    copies = _copies(world.broadcast[-1][0], said)
    event, *_ = reconcile(facts, _state(world.broadcast), copies, copies)
    assert isinstance(event, LogReconciled)
    seq = event.through_seq + 1
    (newest,) = reconciled(event, seq).records()
    assert isinstance(newest.state, Routing)
    known = newest.seq <= world.broadcast[-1][0]
    return replace(
        world,
        seq=seq,
        records=world.broadcast if known else (*world.broadcast, (seq, newest.state)),
        published=len(world.broadcast),
        broadcast=None,
        switch=_cut_short(world, event, seq, newest.state.epoch),
        recall=Recall(),
    )


def _state(records: tuple[tuple[int, Routing | Joined], ...]) -> ControlState:
    """Of the scope's routing alone: registrations are what they are."""
    state = ControlState()
    for seq, record in records:
        if isinstance(record, Routing):
            state.apply(Record(log=_LOG, seq=seq, key=key_of(record), state=record))
    return state


def _cut_short(world: World, event: LogReconciled, seq: int, epoch: int) -> Switch | None:
    if world.switch is None or not world.switch.open:
        return world.switch
    recorded = Recorded(
        event_id=NO_ID,
        seq=seq,
        version=1,
        recorded_at=SOME_TIME,
        actor="model",
        reason=None,
        event=event,
    )
    return cut_short(world.switch, recorded, epoch)

"""Situations of a switch, as the coordinator sees them."""

from hashlib import sha256

import msgspec

from contract.records import Identities, Identity
from contract.session import ScopeReport
from controlplane.domain.completeness import Hole
from controlplane.domain.parity.configs import Difference
from controlplane.domain.parity.made import Parity
from controlplane.domain.replica import Loss
from controlplane.domain.switch.rules import ALL
from controlplane.domain.switch.state import Switch
from controlplane.domain.switch.step import Append, Probe
from controlplane.domain.switch.steps import next_steps
from controlplane.domain.switch.transitions import Phase
from controlplane.domain.switch.view import (
    Losses,
    MirrorState,
    NodeView,
    Numbers,
    Positions,
    Sweep,
    Timing,
    Transactions,
    View,
)
from tests.controlplane.histories import START

TERM, FENCE_SEQ = 10, 12
MEMBERS = (("n1", "i1"), ("n2", "i1"))


def switch(phase: Phase, **changes) -> Switch:
    fenced = phase not in {Phase.REQUESTED, Phase.PREPARING, Phase.QUIESCING}
    defaults = {
        "switch_id": "s",
        "scope": "main",
        "from_cluster": "main",
        "to_cluster": "failover",
        "mode": "planned",
        "expected_epoch": 0,
        "budget_s": 60.0,
        "mirror_budget_s": 20.0,
        "actor": "user:test",
        "reason": None,
        "term": TERM,
        "requested_at": START,
        "version": 1,
        "phase": phase,
        "participants": MEMBERS if fenced else (),
        "fence_seq": FENCE_SEQ if fenced else None,
    }
    return Switch(**(defaults | changes))


def node(node_id: str, phase: str | None = None, **changes) -> NodeView:
    report = None
    if phase is not None:
        report = ScopeReport(
            phase=phase,
            epoch=changes.pop("epoch", 0),
            term=changes.pop("term", TERM),
            in_flight=0,
            held=3,
            unrest=changes.pop("unrest", None),
            returning=changes.pop("returning", 0),
        )
    defaults = {
        "node_id": node_id,
        "incarnation": "i1",
        "alive": phase is not None,
        "reported_incarnation": "i1" if phase else None,
        "applied_seq": FENCE_SEQ,
        "report": report,
    }
    return NodeView(**(defaults | changes))


USUAL = {
    "requested_at": 0.0,
    "phase_seen_at": 0.0,
    "transactions": Transactions(),
    "parity": Parity(),
    "tombstones": (),
}


def view(at: Switch, *nodes: NodeView, **changes) -> View:
    return View(
        switch=at,
        nodes=nodes,
        timing=Timing(),
        **(USUAL | changes),
    )


def fencing(*nodes: NodeView, **changes) -> View:
    closed = {"fence_seen_at": 0.0, "fence_published_at": 0.0}
    recorded = {k: changes.pop(k) for k in ("drained", "lease_expired") if k in changes}
    return view(switch(Phase.FENCING, **recorded), *nodes, **(closed | changes))


def kinds(at: View, now: float = 1.0, rules=ALL) -> list[str]:
    """The kinds of the events to append, or the probes to make."""
    found = []
    for step in next_steps(at, now, rules):
        match step:
            case Append(appended):
                found += [event.kind.removeprefix("switch.") for event in appended]
            case Probe(what):
                found.append(f"probe {what}")
    return found


def sweep(at: float, end: int = 5) -> Sweep:
    return Sweep(at=at, ends=(("t-0", end),))


def ended(*aborted: str) -> Transactions:
    identity = Identity("tx", 7, 0, 7, 1, is_aborted=True)
    recorded = Identities(scope="main", epoch=0, part=0, identities=(identity,))
    return Transactions(aborted=aborted, identities=(recorded,) if aborted else ())


STILL = (sweep(0.0), sweep(0.2))
CAUGHT_UP = MirrorState(at=0.3, partitions=1, behind=(), far_behind=())
HOLE = Hole(partition="t-0", first=3, last=4, records=2)
LEFT_OUT = MirrorState(at=0.3, partitions=1, behind=("t-0",), far_behind=("t-0",), holes=(HOLE,))
"""Both end with the same record, and the target lacks some before it."""
DIFFERENT = Parity(left=(Difference(name="t:retention.ms", detail="t is to have another age"),))
BEHIND = MirrorState(at=0.3, partitions=1, behind=("t-0",), far_behind=())
TRANSLATED = Positions(
    at=0.4,
    groups=1,
    positions=1,
    by_method=(("end", 1),),
    remarks=(),
    remarks_left_out=0,
    digest="d",
    duration_ms=1.0,
)
NUMBERS = Numbers(partitions=1, offsets=())
DECIDED = sha256(msgspec.json.encode(NUMBERS)).hexdigest()
BROUGHT = sha256(msgspec.json.encode(("d", (), (), Parity()))).hexdigest()
FAR = MirrorState(at=0.3, partitions=1, behind=("t-0",), far_behind=("t-0",))


def loss(partition: str, first: int) -> Loss:
    return Loss(partition=partition, first=first, seen_end=9)


def losses(*found: Loss, at: float = 0.5, answered: bool = False) -> Losses:
    return Losses(at=at, answered=answered, seen_at=START, losses=found)

"""Whether a channel says something else than what was applied under the same number.

A control plane whose database was restored gives numbers out a second time. A node that has applied
what they meant the first time goes on with that: it is what all nodes were told, and what clients
have acted on. Pure: records and answers in, a sentence out.
"""

from contract.codec import LAYOUT
from contract.fold import ControlState
from contract.records import Beacon, Record, Routing


def of_record(applied: ControlState, applied_seq: int, record: Record) -> str | None:
    """What a record says against the state; None: it may be applied, or is old.

    Args:
        applied: the state, of the same log.
        applied_seq: every record up to this `seq` is in it.
        record: what a channel brought.
    """
    known = applied.record(record.key)
    if known is not None and known.seq >= record.seq:
        return _of_same(known, record) if known.seq == record.seq else None
    if record.seq <= applied_seq:
        return _of_late(applied, applied_seq, record)
    if known is not None and isinstance(known.state, Routing) and isinstance(record.state, Routing):
        return _of_routing(known.state, record.state)
    return None


def _of_same(known: Record, record: Record) -> str | None:
    if _alike(known, record):
        return None
    return f"{record.key} is another under number {record.seq} than the one that was applied"


def _of_late(applied: ControlState, applied_seq: int, record: Record) -> str | None:
    if isinstance(record.state, Beacon):
        return _of_beacon(applied, record.state)
    return (
        f"{record.key} comes under number {record.seq}, and everything up to {applied_seq} was"
        " applied without it"
    )


def _alike(known: Record, record: Record) -> bool:
    if isinstance(known.state, Beacon) and isinstance(record.state, Beacon):
        # Releases with other records have other digests. Who signed which hash is not for nodes.
        layouts_differ = known.state.layout != record.state.layout
        return layouts_differ or known.state.digest == record.state.digest
    return known.state == record.state


def _of_beacon(applied: ControlState, said: Beacon) -> str | None:
    """What a beacon says that comes later than what it stands for, by another channel."""
    can_be_compared = said.layout == LAYOUT and applied.seq <= said.seq
    if not can_be_compared or said.digest == applied.digest():
        return None
    return f"the state as of event {said.seq} is said to be another than the one that was applied"


def _of_routing(known: Routing, said: Routing) -> str | None:
    if said.epoch < known.epoch:
        return f"scope {said.scope} would go back from epoch {known.epoch} to {said.epoch}"
    if said.epoch == known.epoch and said.cluster != known.cluster:
        return (
            f"scope {said.scope} would be served by {said.cluster} in epoch {said.epoch}, in which"
            f" {known.cluster} serves it"
        )
    return None


def of_answer(log: str | None, asked_at: int, answer_log: str | None, head_seq: int) -> str | None:
    """What the end of a control plane's log says against what was known when it was asked.

    Args:
        log: the log that is followed; None: none yet.
        asked_at: every record up to this `seq` had been applied.
        answer_log: the log that the control plane has; None: one of an older release.
        head_seq: where that ends.
    """
    if log is None:
        return None
    if answer_log is not None and answer_log != log:
        return f"the control plane has another log ({answer_log}) than the one followed ({log})"
    if head_seq < asked_at:
        return f"the control plane's log ends at {head_seq}, and {asked_at} was applied"
    return None

"""Whether a copy of the truth knows more than the log: then the log lost its tail, or is another.

A database that was restored from a backup, or a standby that was promoted before it had everything,
holds a log that is whole in itself and too short. What was broadcast is held elsewhere: by nodes,
in the control topic, in the memory of a control plane. Whoever decides on such a log decides on
what is no longer so.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

UNSETTLED_S = 3.0
"""A node whose leader is of an older release can have a digest of its own for a moment: that
release writes the newest routing before what comes before it."""

WHAT_TO_DO = (
    "Nothing is decided until that is settled: bring back the database that has everything, or take"
    " back what was broadcast (`interlock control reconcile`)"
)


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """How far somebody knows the truth."""

    where: str
    """Who, as a sentence names it: `node n1`, `the control topic on failover`."""
    log: str | None
    """Identity of the log that it follows; None: it does not say."""
    seq: int
    digest: str | None = None
    """Of the control state at `seq`; None: not known, or not comparable with ours."""
    said_for_s: float = UNSETTLED_S
    """Seconds for which it has said just this."""


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """The log as this control plane reads it."""

    log: str
    seq: int
    digest_at: Callable[[int], str | None]
    """The digest of the control state as of a `seq`; None where that is not known."""


class Kind(StrEnum):
    """How a copy and the log do not fit."""

    AHEAD = "ahead"
    OTHER_CONTENT = "other_content"
    OTHER_LOG = "other_log"


class Contradiction(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that the log cannot have been the origin of."""

    kind: Kind
    copy: Copy
    seq: int
    """Where the log ends."""

    def __str__(self) -> str:
        """What is known, as part of a sentence."""
        copy = self.copy
        match self.kind:
            case Kind.AHEAD:
                return f"{copy.where} knows up to event {copy.seq}"
            case Kind.OTHER_CONTENT:
                return f"{copy.where} knows another state as of event {copy.seq}"
            case Kind.OTHER_LOG:
                return f"{copy.where} follows another log ({copy.log}, up to event {copy.seq})"


def contradictions(log: Log, copies: Iterable[Copy]) -> tuple[Contradiction, ...]:
    """The copies that say that the log is not all of the truth; none: it may be decided on."""
    found = ((copy, _kind(log, copy)) for copy in copies)
    return tuple(
        Contradiction(kind=kind, copy=copy, seq=log.seq) for copy, kind in found if kind is not None
    )


def _kind(log: Log, copy: Copy) -> Kind | None:
    if copy.log is not None and copy.log != log.log:
        # Nothing was applied yet of a log without an event: that is no copy of anything.
        return Kind.OTHER_LOG if copy.seq > 0 else None
    if copy.seq > log.seq:
        return Kind.AHEAD
    if copy.digest is None or copy.said_for_s < UNSETTLED_S:
        return None
    known = log.digest_at(copy.seq)
    return Kind.OTHER_CONTENT if known is not None and known != copy.digest else None


def told(found: tuple[Contradiction, ...]) -> str:
    """All of it in one sentence, with what to do."""
    named = "; ".join(str(one) for one in found)
    return (
        f"the log ends at event {found[0].seq} and is not all of the truth: {named}. {WHAT_TO_DO}"
    )

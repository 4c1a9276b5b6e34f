"""What the log adds up to, as a value that can be kept: whoever starts need not add it up again.

A snapshot stands for the events up to its `seq`. It is only as good as the code that made it: it
has a format, which is another one as soon as the structs of the state, the events, or the code that
folds them are.
"""

import hashlib
import hmac
import inspect
import zlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Final, Literal

import msgspec

import contract.fold
import contract.names
import contract.records
import controlplane.domain.facts
import controlplane.domain.mirror.state
import controlplane.domain.mirror.transitions
import controlplane.domain.projection
import controlplane.domain.switch.state
import controlplane.domain.switch.transitions
import controlplane.domain.topic_history
import controlplane.domain.transitions
from contract.codec import canonical
from contract.fold import ControlState
from contract.json_errors import UNREADABLE
from contract.records import Record, VirtualCluster
from controlplane.domain.facts import Facts
from controlplane.domain.log import AnyEvent
from controlplane.domain.mirror.state import Reversal
from controlplane.domain.switch.state import Switch
from controlplane.domain.topic_history import TopicHistory

_FOLDING: Final[Sequence[ModuleType]] = (
    contract.fold,
    contract.names,
    contract.records,
    controlplane.domain.facts,
    controlplane.domain.mirror.state,
    controlplane.domain.mirror.transitions,
    controlplane.domain.projection,
    controlplane.domain.switch.state,
    controlplane.domain.switch.transitions,
    controlplane.domain.topic_history,
    controlplane.domain.transitions,
)
"""The code that decides what events add up to."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `Facts` by their names, but for what follows from others.

    Of the control state that is all but its records; and what is looked up of switches and
    reversals.
    """

    log: str
    seq: int
    as_of: datetime | None
    records: tuple[Record, ...]
    """Of the control state, those of what is gone included, oldest first."""
    versions: dict[str, int]
    names_ever: set[str]
    api_versions: dict[str, dict[int, tuple[int, int]]]
    switches: tuple[Switch, ...]
    reversals: tuple[Reversal, ...]
    circles: set[str]
    first_cluster: dict[str, str]
    topics_seq: int
    topic_history: TopicHistory
    grants: tuple[tuple[tuple[str, str, str], Literal["read", "write"]], ...]
    node_tokens: tuple[tuple[tuple[str, str], str], ...]
    shown_tokens: dict[str, str]
    rebuild_seq: int
    reconciled_seq: int


class SealedSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot as it is kept."""

    format: str
    seq: int
    """Of the newest event that is in it."""
    hash: bytes
    """That event's: it stands for the whole log up to there."""
    content: bytes
    """The snapshot in MessagePack, deflated."""
    signature: str
    """Of all the rest, by who has the key that signs tokens; in hex."""


class UnusableSnapshotError(ValueError):
    """A snapshot is not what it says; the message tells why."""


def taken(facts: Facts) -> Snapshot:
    """What is known now; what happens to the facts later does not change it."""
    return Snapshot(
        log=facts.log,
        seq=facts.seq,
        as_of=facts.as_of,
        records=tuple(facts.control.records()),
        versions=dict(facts.versions),
        names_ever=set(facts.names_ever),
        api_versions=dict(facts.api_versions),
        switches=tuple(facts.switches.values()),
        reversals=tuple(facts.reversals.values()),
        circles=set(facts.circles),
        first_cluster=dict(facts.first_cluster),
        topics_seq=facts.topics_seq,
        topic_history=facts.topic_history.copy(),
        grants=tuple(facts.grants.items()),
        node_tokens=tuple(facts.node_tokens.items()),
        shown_tokens=dict(facts.shown_tokens),
        rebuild_seq=facts.rebuild_seq,
        reconciled_seq=facts.reconciled_seq,
    )


def restored(snapshot: Snapshot) -> Facts:
    """The facts that a snapshot was taken of. The snapshot is used up: its parts are theirs."""
    facts = Facts(snapshot.log)
    facts.seq, facts.as_of = snapshot.seq, snapshot.as_of
    facts.control = ControlState()
    for record in snapshot.records:
        facts.control.apply(record)
    for tenant in facts.control.of(VirtualCluster):
        facts.put_tenant(tenant.name, tenant.scope)
    facts.versions = snapshot.versions
    facts.names_ever = snapshot.names_ever
    facts.api_versions = snapshot.api_versions
    for switch in snapshot.switches:
        facts.put_switch(switch)
    for reversal in snapshot.reversals:
        facts.put_reversal(reversal)
    facts.circles = snapshot.circles
    facts.first_cluster = snapshot.first_cluster
    facts.topics_seq = snapshot.topics_seq
    facts.topic_history = snapshot.topic_history
    facts.grants = dict(snapshot.grants)
    facts.node_tokens = dict(snapshot.node_tokens)
    facts.shown_tokens = snapshot.shown_tokens
    facts.rebuild_seq = snapshot.rebuild_seq
    facts.reconciled_seq = snapshot.reconciled_seq
    return facts


def sealed(snapshot: Snapshot, event_hash: bytes, key: bytes) -> SealedSnapshot:
    """The snapshot in the form in which it is kept.

    Args:
        snapshot: of the facts.
        event_hash: of the event with the snapshot's `seq`.
        key: that signs tokens.
    """
    content = zlib.compress(msgspec.msgpack.encode(snapshot), level=1)
    unsigned = SealedSnapshot(
        format=snapshot_format(),
        seq=snapshot.seq,
        hash=event_hash,
        content=content,
        signature="",
    )
    return msgspec.structs.replace(unsigned, signature=_signature(unsigned, key))


def opened(kept: SealedSnapshot, event_hash: bytes | None, key: bytes) -> Snapshot:
    """A snapshot that was kept.

    Args:
        kept: what is to be opened.
        event_hash: of the event of its `seq`, as the log has it; None: the log has no such event.
        key: that signs tokens.

    Raises:
        UnusableSnapshotError: it does not stand for what the log holds, as this release folds it.
    """
    if kept.format != snapshot_format():
        raise UnusableSnapshotError("another release made it")
    if kept.hash != event_hash:
        raise UnusableSnapshotError(f"event {kept.seq} of the log is another one")
    if not hmac.compare_digest(kept.signature, _signature(kept, key)):
        raise UnusableSnapshotError("it is not signed with GATEWAY_USER_POOL_SECRET_KEY")
    try:
        return msgspec.msgpack.decode(zlib.decompress(kept.content), type=Snapshot)
    except (zlib.error, *UNREADABLE) as error:
        raise UnusableSnapshotError(f"it cannot be read: {error}") from error


def _signature(kept: SealedSnapshot, key: bytes) -> str:
    digest = hashlib.sha256(kept.content).hexdigest()
    signed = canonical(("snapshot", kept.format, kept.seq, kept.hash.hex(), digest))
    return hmac.digest(key, signed, "sha256").hex()


@cache
def snapshot_format() -> str:
    """What this release makes of events, and how it writes that down, as a digest."""
    shape = msgspec.json.encode(
        msgspec.json.schema(tuple[Snapshot, AnyEvent]), order="deterministic"
    )
    code = "".join(inspect.getsource(module) for module in _FOLDING)
    return hashlib.sha256(shape + code.encode()).hexdigest()[:16]

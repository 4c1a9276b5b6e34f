"""Forced switches, the active cluster killed under load; what was lost, and whether it was told."""

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reliability.history import (
    Fault,
    Finding,
    Handover,
    History,
    Log,
    Partition,
    Value,
    Write,
    judge,
)
from reliability.site import VCLUSTER, Site
from reliability.soak import Ledger
from reliability.writers import AiokafkaWriter, LibrdkafkaWriter, Writer
from sandbox.process import wait_until

_SETTLE_S = 120.0
_LOAD_S = (1.0, 5.0)
"""Seconds of load before the kill, at least and at most."""
_BEHIND_S = (0.0, 3.0)
"""Seconds that the mirror stands still before the kill, so that there is something to lose."""
_AFTER_S = 3.0
_DEAD_NODE_EVERY = 4
"""In every fourth round a gateway's node dies together with the cluster: with `main`, as the other
one holds the control topic, without which a node that says nothing cannot be proved to be dead."""


@dataclass(frozen=True, kw_only=True)
class ForcedRound:
    """One forced switch, and the comparison of both logs after it."""

    report: dict[str, Any]
    dead_node: bool
    first_ack_s: float
    """From the order to the first acknowledgement by the new cluster."""
    lost: int
    """Records that were acknowledged, and that the new cluster lacks."""
    known: int
    """Records that the switch reported as missing, counted."""
    exact: bool
    """Whether all that stands behind the reported offsets was lost, and nothing before them."""
    doubled: int
    """Records that the new cluster holds twice."""
    untold: tuple[Finding, ...]
    """Losses outside of what was reported, and acknowledgements by the old cluster too late."""


def run_forced(
    site: Site, switches: int, seed: int, say: Callable[[str], None]
) -> list[ForcedRound]:
    """Kill, force, compare, restore; so many times."""
    ledger, chance = Ledger(), random.Random(seed)  # noqa: S311 - repeatable, not secret
    site.create_topic(ledger.topic, ledger.partitions)
    site.wait_for_mirror()
    rounds: list[ForcedRound] = []
    with ExitStack() as writing:
        writers: list[Writer] = [
            LibrdkafkaWriter("librdkafka-1", site.client(0) | {"log_level": 0}, ledger),
            LibrdkafkaWriter("librdkafka-2", site.client(1) | {"log_level": 0}, ledger),
            AiokafkaWriter("aiokafka", site.client(1), ledger),
        ]
        for writer in writers:
            writing.enter_context(writer)
        known: set[tuple[Partition, Value]] = set()
        for number in range(switches):
            wait_until(lambda: all(w.acknowledged for w in writers), "all are served", _SETTLE_S)
            dead_node = number % _DEAD_NODE_EVERY == 0
            last = _round(site, ledger, writers, known, chance, dead_node=dead_node)
            rounds.append(last)
            say(_told(number, switches, last))
    return rounds


def _round(
    site: Site,
    ledger: Ledger,
    writers: list[Writer],
    known: set[tuple[Partition, Value]],
    chance: random.Random,
    *,
    dead_node: bool,
) -> ForcedRound:
    old, new = site.serving, site.standby
    time.sleep(chance.uniform(*_LOAD_S))
    node, mirror = (site.environment.process(name) for name in ("gateway1", "mirror-maker"))
    mirror.pause()
    time.sleep(chance.uniform(*_BEHIND_S))
    if dead_node:
        node.kill()
    for broker in site.cluster(old).brokers:
        broker.kill()
    # As it would bring what was given up to the new cluster, late, when the old one is back.
    mirror.kill()
    ordered_at = time.monotonic()
    report = site.switch_to(new, "its cluster was killed", forced=True)
    committed_at = _committed_at(report)
    _wait_for_everybody(writers, committed_at)
    first_ack = min(at for writer in writers for at in writer.acknowledged_after(committed_at))
    time.sleep(_AFTER_S)
    if dead_node:
        node.restart()
    # The old log is read back only now: nobody may find its writes before.
    for broker in site.cluster(old).brokers:
        broker.restart()
    acknowledged = [write for writer in writers for write in writer.writes()]
    logs = site.log_of(new, ledger.topic), site.log_of(old, ledger.topic)
    handover = Handover(committed_at, _given_up(report))
    sent = _with_acknowledgements(acknowledged, [w for writer in writers for w in writer.writes()])
    judged = judge(History(sent, (), *logs, (handover,)))
    # What an earlier round lost or doubled, stays so.
    found = {finding for finding in judged if (finding.partition, finding.value) not in known}
    known |= {(finding.partition, finding.value) for finding in found}
    site.make_a_copy(f"{old} was given up")
    return ForcedRound(
        report=report,
        dead_node=dead_node,
        first_ack_s=first_ack - ordered_at,
        lost=sum(f.fault in {Fault.LOST, Fault.LOST_UNTOLD} for f in found),
        known=sum(max(0, loss["seen_end"] - loss["first"]) for loss in _losses(report)),
        exact=_is_exact(found, sent, logs[1], handover),
        doubled=sum(f.fault is Fault.WRITTEN_TWICE and f.who == "serving" for f in found),
        untold=tuple(f for f in found if _is_wrong(f, handover)),
    )


def _is_wrong(finding: Finding, handover: Handover) -> bool:
    if finding.fault is Fault.LOST:
        return not handover.given_up
    return finding.fault in {Fault.LOST_UNTOLD, Fault.ACKNOWLEDGED_LATE, Fault.INVENTED}


def _is_exact(found: set[Finding], sent: list[Write], old: Log, handover: Handover) -> bool:
    """Whether nothing that stands behind the reported offsets had come to the new cluster.

    What was not acknowledged before the commit was sent there again, and says nothing.
    """
    lost = {finding.value for finding in found if finding.fault is Fault.LOST}
    confirmed = {
        write.value
        for write in sent
        if write.acknowledged_at is not None and write.acknowledged_at <= handover.committed_at
    }
    behind = {
        entry.value
        for partition, first in handover.given_up.items()
        for entry in old.get(partition, ())
        if entry.offset >= first
    }
    return lost <= behind and behind & confirmed <= lost


def _with_acknowledgements(before: list[Write], sent: list[Write]) -> list[Write]:
    """All that was sent by now, as acknowledged as it was before the logs were read."""
    known = {write.value: write.acknowledged_at for write in before}
    return [Write(w.partition, w.value, known.get(w.value)) for w in sent]


def _wait_for_everybody(writers: list[Writer], since: float) -> None:
    wait_until(
        lambda: all(writer.acknowledged_after(since) for writer in writers),
        "every writer is served by the new cluster",
        _SETTLE_S,
    )


def _losses(report: dict[str, Any]) -> list[dict[str, Any]]:
    return list((report["loss"] or {}).get("losses", ()))


def _given_up(report: dict[str, Any]) -> dict[Partition, int]:
    """By partition of a logical topic, the first offset that is reported as missing."""
    given_up = {}
    for loss in _losses(report):
        topic, _, number = loss["partition"].rpartition("-")
        given_up[Partition(topic.removeprefix(VCLUSTER), int(number))] = loss["first"]
    return given_up


def _committed_at(report: dict[str, Any]) -> float:
    """On this process's monotonic clock; the log's clock is the same machine's."""
    stage = next(stage for stage in report["stages"] if stage["phase"] == "committed")
    ago = datetime.now(UTC) - datetime.fromisoformat(stage["began_at"])
    return time.monotonic() - ago.total_seconds()


def _told(number: int, switches: int, last: ForcedRound) -> str:
    return (
        f"{number + 1}/{switches} to {last.report['to_cluster']}: {last.report['outcome']},"
        f" first acknowledgement after {last.first_ack_s:.2f} s"
        f"{' with a dead node' if last.dead_node else ''}, lost {last.lost}"
        f" (reported {last.known}, {'exact' if last.exact else 'not exact'}),"
        f" doubled {last.doubled}, untold {len(last.untold)} {last.untold[:3]}"
    )

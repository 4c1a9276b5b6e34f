"""Planned switches, back and forth, under load; the mirror turns round after each."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from reliability.churn import Churn, Churned
from reliability.history import Finding, Handover, History, Partition, Read, Value, Write, judge
from reliability.readers import READERS, Reader, seen_by
from reliability.site import Site
from reliability.writers import (
    AiokafkaWriter,
    JavaWriter,
    LibrdkafkaWriter,
    TransactionalAiokafkaWriter,
    TransactionalLibrdkafkaWriter,
    Writer,
)

MEMBERS = 2
_SETTLE_S = 120.0
_BETWEEN_S = 2.0
"""Load between two switches, at least."""
_AFTER_CHURN_S = 12.0
"""MirrorMaker looks every ten seconds for topics that came or went."""


@dataclass(frozen=True)
class Ledger:
    """What everybody writes to and reads from."""

    topic: str = "ledger"
    partitions: int = 3
    pause_s: float = 0.1


@dataclass(frozen=True)
class Round:
    """One switch."""

    report: dict[str, Any]
    """As `interlock switch report --format json` gives it."""
    stalls_s: dict[str, float]
    """By writer, the longest time around the switch without an acknowledgement."""

    @property
    def completed(self) -> bool:
        """Whether it was not undone."""
        return bool(self.report["outcome"] == "completed")


@dataclass(frozen=True, kw_only=True)
class Soak:
    """All that was seen."""

    rounds: list[Round]
    history: History
    findings: list[Finding]
    errors: dict[str, list[str]]
    """What applications were told of, by writer and group."""
    churned: Churned
    connections_closed: int
    seconds: float


@dataclass
class _Crew:
    """The clients."""

    writers: list[Writer]
    churn: Churn
    groups: dict[str, list[Reader]] = field(default_factory=dict)

    def errors(self) -> dict[str, list[str]]:
        told = {writer.name: writer.errors for writer in self.writers}
        for group, members in self.groups.items():
            told[group] = [error for member in members for error in member.errors]
        told["churn"] = self.churn.errors
        return {name: errors for name, errors in told.items() if errors}


def run(site: Site, switches: int, say: Callable[[str], None], *, transactions: bool) -> Soak:
    """Switch so many times; then let everything come to rest, and judge.

    Args:
        site: where.
        switches: how often.
        say: is told of each.
        transactions: whether some of the writers write in transactions.
    """
    started = time.monotonic()
    ledger = Ledger()
    site.create_topic(ledger.topic, ledger.partitions)
    site.wait_for_mirror()
    rounds: list[Round] = []
    committed: list[float] = []
    with _readers(site, ledger) as groups:
        churn = Churn([site.client(number) for number in range(MEMBERS)])
        crew = _Crew(_writers(site, ledger, transactions=transactions), churn, groups)
        with ExitStack() as writing:
            writing.enter_context(churn)
            for writer in crew.writers:
                writing.enter_context(writer)
            _wait_for_everybody(crew)
            closed = site.connections_closed()
            for number in range(switches):
                rounds.append(_round(site, crew, number))
                committed.append(time.monotonic())
                churn.look()
                say(_told(number, switches, rounds[-1], crew))
                site.wait_for_mirror()
                churn.between()
                time.sleep(_AFTER_CHURN_S)
                site.wait_for_mirror()
                time.sleep(_BETWEEN_S)
            churn.look()
            closed = site.connections_closed() - closed
        sent = [write for writer in crew.writers for write in writer.writes()]
        wait_until_all_is_read(sent, groups)
        history = settled_history(site, ledger, sent, groups, committed)
    return Soak(
        rounds=rounds,
        history=history,
        findings=judge(history),
        errors=crew.errors(),
        churned=churn.churned(),
        connections_closed=round(closed),
        seconds=time.monotonic() - started,
    )


def _writers(site: Site, ledger: Ledger, *, transactions: bool) -> list[Writer]:
    writers: list[Writer] = [
        LibrdkafkaWriter("librdkafka-1", site.client(0), ledger),
        LibrdkafkaWriter("librdkafka-2", site.client(1), ledger),
        AiokafkaWriter("aiokafka", site.client(0), ledger),
        JavaWriter("java", site.client(1), ledger),
    ]
    if transactions:
        writers += [
            JavaWriter("java-transactional", site.client(0), ledger, "ledger-1"),
            TransactionalLibrdkafkaWriter(
                "librdkafka-transactional", site.client(1), ledger, "ledger-2"
            ),
            TransactionalAiokafkaWriter(
                "aiokafka-transactional", site.client(0), ledger, "ledger-3"
            ),
        ]
    return writers


@contextmanager
def _readers(site: Site, ledger: Ledger) -> Iterator[dict[str, list[Reader]]]:
    """A group of two members of each kind, one at each gateway."""
    with ExitStack() as reading:
        yield {
            kind: [
                reading.enter_context(
                    make(site.client(number), kind.replace(" ", "-"), [ledger.topic], number)
                )
                for number in range(MEMBERS)
            ]
            for kind, make in READERS.items()
        }


def _wait_for_everybody(crew: _Crew) -> None:
    def idle() -> list[str]:
        """Who has done nothing yet."""
        writers = [writer.name for writer in crew.writers if not writer.acknowledged]
        groups = [
            name for name, members in crew.groups.items() if not all(m.given for m in members)
        ]
        return writers + groups

    _until(lambda: not idle(), _SETTLE_S)
    if still := idle():
        raise RuntimeError(f"nothing comes from {', '.join(still)}: {crew.errors()}")


def _round(site: Site, crew: _Crew, number: int) -> Round:
    since = time.monotonic()
    report = site.switch_to(site.standby, f"soak, switch {number + 1}")
    time.sleep(_BETWEEN_S)
    stalls = {writer.name: writer.longest_wait(since) for writer in crew.writers}
    return Round(report, stalls)


def _told(number: int, switches: int, last: Round, crew: _Crew) -> str:
    report = last.report
    worst = max(last.stalls_s.values())
    told = ", ".join(f"{name}: {errors[-1]}" for name, errors in crew.errors().items())
    noticed = crew.churn.noticed
    restless = (report["groups"] or {}).get("restless", ())
    interrupted = [
        name for node in restless for name in (node["unrest"] or {}).get("member_names", ())
    ]
    return (
        f"{number + 1}/{switches} to {report['to_cluster']}: {report['outcome']}"
        f" {report['cause'] or ''} fenced {report['fenced_ms']} ms, longest stall {worst:.2f} s"
        f" {f'interrupted {interrupted}' if interrupted else ''} {told}"
        f" {f'{len(noticed)} surprises, last {noticed[-1]}' if noticed else ''}"
    )


def wait_until_all_is_read(sent: list[Write], groups: dict[str, list[Reader]]) -> None:
    """Wait until every group was given what was acknowledged, or for long enough."""
    wanted = sum(write.acknowledged_at is not None for write in sent)

    def read() -> bool:
        return all(len(seen_by(members)) >= wanted for members in groups.values())

    # Whoever does not get there is what the judge is for.
    _until(read, _SETTLE_S)


def _until(holds: Callable[[], bool], limit_s: float) -> None:
    give_up_at = time.monotonic() + limit_s
    while not holds() and time.monotonic() < give_up_at:
        time.sleep(0.5)


def settled_history(
    site: Site,
    ledger: Ledger,
    sent: list[Write],
    groups: dict[str, list[Reader]],
    committed: list[float],
) -> History:
    """All that is known once the mirror has brought everything, as `judge` takes it."""
    serving, other = site.serving, site.standby

    def mirrored() -> bool:
        ours, theirs = site.log_of(serving, ledger.topic), site.log_of(other, ledger.topic)
        return {p: len(e) for p, e in ours.items()} == {p: len(e) for p, e in theirs.items()}

    _until(mirrored, _SETTLE_S)
    where = {write.value: write.partition for write in sent}
    nowhere = Partition(ledger.topic, -1)
    reads = []
    for group, members in groups.items():
        for given in (given for member in members for given in member.given):
            value = Value.parse(given.value.decode())
            reads.append(Read(group, where.get(value, nowhere), value, given.at))
    return History(
        writes=sent,
        reads=reads,
        serving=site.log_of(serving, ledger.topic),
        other=site.log_of(other, ledger.topic),
        handovers=[Handover(at) for at in committed],
    )

"""All processes exchanged there and back under load, with a switch in each mixture."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from controlplane.store.migrate import downgrade
from reliability.history import Finding, judge
from reliability.readers import LibrdkafkaReader, Reader
from reliability.site import Site, open_site
from reliability.soak import MEMBERS, Ledger, settled_history, wait_until_all_is_read
from reliability.upgrade.releases import CONTROL_PLANES, GATEWAYS, MIRROR, Release, Stage, exchange
from reliability.writers import JavaWriter, LibrdkafkaWriter, Writer
from sandbox.process import wait_until

_GROUP: Final = "readers"
_SETTLE_S: Final = 2.0
"""Load after each exchange, before the next."""
_PATIENCE_S: Final = 60.0
_RECONNECTS: Final = ("_ALL_BROKERS_DOWN", "NetworkException: Disconnected from node")
"""What librdkafka and Java's client say when a connection that they have is closed; they make
another at once."""


@dataclass(frozen=True)
class Exchanged:
    """One process runs the other release."""

    process: str
    release: str
    took_s: float
    """From when it was told to stop until the other one served."""
    stall_s: float
    """The longest time that a writer waited for an acknowledgement around it."""
    reconnects: int
    """Times that a client found its node gone, and went to the other one on the same port."""
    errors: tuple[str, ...]
    """What applications were told besides."""


@dataclass(frozen=True)
class Switched:
    """One planned switch in a mixture."""

    mixture: str
    outcome: str
    cause: str
    fenced_ms: float
    stall_s: float
    errors: tuple[str, ...]


@dataclass
class Course:
    """What was seen of one order, there and back."""

    stages: Sequence[Stage]
    steps: list[Exchanged | Switched] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    acknowledged: int = 0
    read: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether every switch completed, and no client noticed anything."""
        switches = [step for step in self.steps if isinstance(step, Switched)]
        completed = all(switch.outcome == "completed" for switch in switches)
        return completed and not self.findings and not any(step.errors for step in self.steps)


class _Crew:
    """The clients."""

    def __init__(self, site: Site, ledger: Ledger) -> None:
        self.writers: list[Writer] = [
            LibrdkafkaWriter("librdkafka-1", site.client(0), ledger),
            LibrdkafkaWriter("librdkafka-2", site.client(1), ledger),
            JavaWriter("java", site.client(1), ledger),
        ]
        self.readers: list[Reader] = [
            LibrdkafkaReader(site.client(number), _GROUP, [ledger.topic])
            for number in range(MEMBERS)
        ]
        self._told = 0

    def wait_for_more(self) -> None:
        """Until every writer is served."""
        before = [writer.acknowledged for writer in self.writers]
        wait_until(
            lambda: all(w.acknowledged > b for w, b in zip(self.writers, before, strict=True)),
            "every writer is served",
            _PATIENCE_S,
        )

    def stall(self, since: float) -> float:
        """Seconds that a writer waited at most since then."""
        return max(writer.longest_wait(since) for writer in self.writers)

    def new_errors(self) -> tuple[str, ...]:
        """What applications were told since this was asked last."""
        told = [error for writer in self.writers for error in writer.errors]
        told += [error for reader in self.readers for error in reader.errors]
        new, self._told = told[self._told :], len(told)
        return tuple(new)


def go(
    stages: Sequence[Stage], before: Release, now: Release, say: Callable[[str], None]
) -> Course:
    """There and back.

    Args:
        stages: in which order.
        before: what everything runs at first, and at the end.
        now: what everything runs between.
        say: is told of each step.
    """
    course, ledger = Course(stages), Ledger()
    with open_site(say, before.variables) as site:
        exchange(site.environment.process(MIRROR.processes[0]), before)
        site.create_topic(ledger.topic, ledger.partitions)
        site.wait_for_mirror()
        crew, committed = _Crew(site, ledger), list[float]()
        with ExitStack() as reading:
            for reader in crew.readers:
                reading.enter_context(reader)
            with ExitStack() as writing:
                for writer in crew.writers:
                    writing.enter_context(writer)
                crew.wait_for_more()
                for step in _steps(site, crew, stages, before, now):
                    course.steps.append(step)
                    if isinstance(step, Switched):
                        committed.append(time.monotonic())
                    say(str(step))
            sent = [write for writer in crew.writers for write in writer.writes()]
            groups = {_GROUP: crew.readers}
            wait_until_all_is_read(sent, groups)
            history = settled_history(site, ledger, sent, groups, committed)
    course.findings = judge(history)
    course.acknowledged = sum(write.acknowledged_at is not None for write in sent)
    course.read = len(history.reads)
    return course


def _steps(
    site: Site, crew: _Crew, stages: Sequence[Stage], before: Release, now: Release
) -> Iterator[Exchanged | Switched]:
    runs = {stage.name: before for stage in stages}
    for release in (now, before):
        for stage in stages:
            if release is before and stage is CONTROL_PLANES:
                asyncio.run(downgrade(site.environment.database_url, before.schema))
            for process in stage.processes:
                yield _exchanged(site, crew, process, release)
            runs[stage.name] = release
            yield _switched(site, crew, ", ".join(f"{k}: {r.name}" for k, r in runs.items()))


def _exchanged(site: Site, crew: _Crew, name: str, release: Release) -> Exchanged:
    crew.new_errors()
    since = time.monotonic()
    exchange(site.environment.process(name), release)
    took = time.monotonic() - since
    crew.wait_for_more()
    time.sleep(_SETTLE_S)
    stall, told = crew.stall(since), crew.new_errors()
    errors = told
    if name in GATEWAYS.processes:
        errors = tuple(error for error in told if not any(sign in error for sign in _RECONNECTS))
    return Exchanged(name, release.name, took, stall, len(told) - len(errors), errors)


def _switched(site: Site, crew: _Crew, mixture: str) -> Switched:
    site.wait_for_mirror()
    crew.new_errors()
    since = time.monotonic()
    report: dict[str, Any] = site.switch_to(site.standby, mixture)
    crew.wait_for_more()
    time.sleep(_SETTLE_S)
    stall, errors = crew.stall(since), crew.new_errors()
    fenced, cause = report["fenced_ms"] or 0.0, report["cause"] or ""
    site.wait_for_mirror()
    return Switched(mixture, report["outcome"], cause, fenced, stall, errors)

"""Writers and readers that go on over many faults, and what is wrong with what they saw."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Self

from reliability.history import Finding, Handover, History, Partition, Read, Value, Write, judge
from reliability.readers import LibrdkafkaReader
from reliability.site import Site
from reliability.writers import LibrdkafkaWriter
from sandbox.ports import PAIR
from sandbox.process import wait_until

_GROUP = "readers"
_SILENT = {"log_level": 0}
_FORGETFUL = {"session.timeout.ms": 15000}
_PATIENCE_S = 90.0


@dataclass(frozen=True)
class Ledger:
    """What is written to and read from."""

    topic: str = "ledger"
    partitions: int = 2
    pause_s: float = 0.1


class Load:
    """One idempotent writer at each gateway, and a group with a member at each."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ledger = Ledger()
        self.writers = [
            LibrdkafkaWriter(f"writer-{i + 1}", site.client(i) | _SILENT, self._ledger)
            for i in PAIR
        ]
        self.readers = [
            LibrdkafkaReader(site.client(i) | _SILENT, _GROUP, [self._ledger.topic], **_FORGETFUL)
            for i in PAIR
        ]
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self._site.create_topic(self._ledger.topic, self._ledger.partitions)
        for client in (*self.writers, *self.readers):
            self._running.enter_context(client)
        self.wait_for_more()
        wait_until(lambda: any(r.given for r in self.readers), "the group reads", _PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def wait_for_more(self, patience_s: float = _PATIENCE_S) -> None:
        """Wait until every writer is served."""
        before = [writer.acknowledged for writer in self.writers]

        def served() -> bool:
            return all(w.acknowledged > b for w, b in zip(self.writers, before, strict=True))

        wait_until(served, "every writer is served", patience_s)

    def longest_wait(self, since: float) -> float:
        """Seconds that a writer waited for an acknowledgement at most, from then on."""
        return max(writer.longest_wait(since) for writer in self.writers)

    def written_since(self, since: float) -> set[Value]:
        """What was acknowledged from then on."""
        writes = [write for writer in self.writers for write in writer.writes()]
        return {w.value for w in writes if w.acknowledged_at is None or w.acknowledged_at >= since}

    def findings(self, handovers: list[Handover]) -> set[Finding]:
        """All that is wrong so far; the clients go on meanwhile."""
        acknowledged = [write for writer in self.writers for write in writer.writes()]
        serving, standby = self._site.serving, self._site.standby
        looked_at = time.monotonic()
        other = self._site.log_of(standby, self._ledger.topic)
        log = self._site.log_of(serving, self._ledger.topic)
        held = {(partition, entry.value) for partition, entries in log.items() for entry in entries}
        self._wait_until_read(held)
        history = History(
            writes=self._all_sent(acknowledged),
            reads=[r for r in self._reads() if r.at < looked_at or (r.partition, r.value) in held],
            serving=log,
            other=other,
            handovers=handovers,
        )
        return set(judge(history))

    def _all_sent(self, acknowledged: list[Write]) -> list[Write]:
        """What was sent by now, acknowledged only if it was so before the log was read."""
        known = {write.value: write.acknowledged_at for write in acknowledged}
        sent = [write for writer in self.writers for write in writer.writes()]
        return [replace(write, acknowledged_at=known.get(write.value)) for write in sent]

    def _wait_until_read(self, held: set[tuple[Partition, Value]]) -> None:
        def read() -> bool:
            return {value for _, value in held} <= {r.value for r in self._reads()}

        give_up_at = time.monotonic() + _PATIENCE_S
        # What is never read is for the judge to say.
        while not read() and time.monotonic() < give_up_at:
            time.sleep(0.2)

    def _reads(self) -> list[Read]:
        reads = []
        for given in [given for reader in self.readers for given in list(reader.given)]:
            value = Value.parse(given.value.decode())
            partition = Partition(self._ledger.topic, value.number % self._ledger.partitions)
            reads.append(Read(_GROUP, partition, value, given.at))
        return reads

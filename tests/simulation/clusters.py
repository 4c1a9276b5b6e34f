"""The two Kafka clusters, the mirror between them, and the control topic."""

from collections import Counter
from typing import Final, Literal, NamedTuple, TypeAlias

from tests.simulation.timeline import Network, Process, Timeline

COPIED_AT_ONCE: Final = 20
TURNING_S: Final = (0.5, 3.0)
"""How long turning the mirror takes."""

Outcome: TypeAlias = Literal["appended", "repeated", "out of order"]


class Written(NamedTuple):
    """A record: the `number`-th of a writer."""

    writer: str
    number: int


class Cluster:
    """One partition, and what its broker knows of idempotent producers."""

    def __init__(self, name: str) -> None:
        """An empty log."""
        self.name = name
        self.log: list[Written] = []
        self.holds: Counter[Written] = Counter()
        self._last: dict[tuple[int, str], int] = {}

    def append(self, epoch: int, written: Written) -> Outcome:
        """Append; producers of another epoch have other producer ids (ADR 6)."""
        producer = epoch, written.writer
        last = self._last.get(producer)
        if last is not None and written.number <= last:
            return "repeated"
        if last is not None and written.number > last + 1:
            return "out of order"
        self._last[producer] = written.number
        self.take(written)
        return "appended"

    def take(self, written: Written) -> None:
        """A record comes to stand at the end, whoever wrote it."""
        self.log.append(written)
        self.holds[written] += 1

    def last_of_each(self) -> dict[str, int]:
        """Each writer's newest record, as DescribeProducers has it."""
        return {written.writer: written.number for written in self.log}


class Mirror(Process):
    """Copies one cluster's records to the other, in order."""

    def __init__(self, timeline: Timeline, network: Network, seed: int, old: Cluster, new: Cluster):
        """It has copied nothing yet."""
        super().__init__("mirror", timeline, seed, 0.01)
        self.source, self.target, self.position = old, new, 0
        self.turning = False
        self._network = network

    def begin(self) -> None:
        """Go on where it was: positions are kept on the target."""
        self.every(0.1, self._copy)

    def _copy(self) -> None:
        cut = {self.source.name, self.target.name} & self._network.down
        if cut or self.turning:
            return
        some = self.source.log[self.position : self.position + COPIED_AT_ONCE]
        for written in some:
            self.target.take(written)
        self.position += len(some)

    def behind(self) -> int:
        """How many records the target lacks."""
        return len(self.source.log) - self.position

    def turn(self, timeline: Timeline) -> None:
        """Copy the other way from now on, all that is written from here."""
        self.turning = True
        self.source, self.target = self.target, self.source
        self.position = len(self.source.log)
        timeline.after(self.chance.uniform(*TURNING_S), self._turned)

    def _turned(self) -> None:
        self.turning = False

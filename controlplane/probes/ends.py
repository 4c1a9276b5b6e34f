"""Where partitions end on two clusters."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from aiokafka import TopicPartition

from controlplane.probes.reader import EndReader
from controlplane.probes.together import together


class EndOnBoth(NamedTuple):
    """Of a partition that both have."""

    source: int
    target: int


class LogEnds(NamedTuple):
    """Where partitions end."""

    source: Mapping[TopicPartition, int]
    committed: Mapping[TopicPartition, int]
    """The same, or where the oldest transaction begins that is open there."""
    target: Mapping[TopicPartition, int]
    """Of those that it has."""

    def is_open(self, partition: TopicPartition) -> bool:
        """Whether a transaction is open there."""
        return self.committed[partition] != self.source[partition]

    def both(self) -> dict[TopicPartition, EndOnBoth]:
        """Of the partitions that both have."""
        return {p: EndOnBoth(self.source[p], end) for p, end in self.target.items()}

    def of(self, partitions: Collection[TopicPartition]) -> "LogEnds":
        """Of some of them."""
        return LogEnds(
            {p: self.source[p] for p in partitions},
            {p: self.committed[p] for p in partitions},
            {p: self.target[p] for p in partitions if p in self.target},
        )

    def then(self, later: "LogEnds") -> "LogEnds":
        """With what was told of some of them later."""
        return LogEnds(
            {**self.source, **later.source},
            {**self.committed, **later.committed},
            {**self.target, **later.target},
        )


async def ends_of(
    source: EndReader,
    target: EndReader,
    partitions: list[TopicPartition],
    mirrored: Collection[TopicPartition],
) -> LogEnds:
    """Ask both.

    Args:
        source: the original.
        target: the replica.
        partitions: those to ask for.
        mirrored: those that the replica has, others as well.

    Raises:
        UnreachableError: one of them does not answer.
    """
    (ends, committed), target_ends = await together(
        together(source.ends(partitions), source.committed_ends(partitions)),
        target.ends([p for p in partitions if p in mirrored]),
    )
    return LogEnds(ends, committed, target_ends)

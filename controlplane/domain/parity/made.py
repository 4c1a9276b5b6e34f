"""What was done to a target, and what of it is not like the source."""

from collections.abc import Collection, Mapping

import msgspec

from contract.mirror import Direction
from controlplane.domain.parity.configs import Change, Difference


class Trimmed(msgspec.Struct, frozen=True, kw_only=True):
    """A partition whose first records were deleted on the target, as they are on the source."""

    partition: str
    """`topic-n`."""
    before: int
    """The target's first offset that was kept."""


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """One look at both clusters, after what it did."""

    topics: int = 0
    """How many were compared."""
    carried: tuple[Change, ...] = ()
    """Configs that the target was given."""
    partitions_added: tuple[str, ...] = ()
    """Topics that got more partitions on the target."""
    topics_deleted: tuple[str, ...] = ()
    trimmed: tuple[Trimmed, ...] = ()
    groups_deleted: tuple[str, ...] = ()
    positions_deleted: int = 0
    """Of groups that stay."""
    left: tuple[Difference, ...] = ()
    """What is not alike, and stays so."""

    @property
    def changed(self) -> bool:
        """Whether anything was done."""
        return bool(
            self.carried
            or self.partitions_added
            or self.topics_deleted
            or self.trimmed
            or self.groups_deleted
            or self.positions_deleted
        )

    def refused(self, waived: Collection[str]) -> tuple[Difference, ...]:
        """What a switch must not go on with."""
        return tuple(d for d in self.left if not d.harmless and d.name not in waived)

    def __add__(self, later: "Parity") -> "Parity":
        """Both looks' doings, and what is left after the later one."""
        return Parity(
            topics=later.topics,
            carried=(*self.carried, *later.carried),
            partitions_added=(*self.partitions_added, *later.partitions_added),
            topics_deleted=(*self.topics_deleted, *later.topics_deleted),
            trimmed=(*self.trimmed, *later.trimmed),
            groups_deleted=(*self.groups_deleted, *later.groups_deleted),
            positions_deleted=self.positions_deleted + later.positions_deleted,
            left=later.left,
        )


def not_trimmed(between: Direction, refusals: Mapping[str, str]) -> list[Difference]:
    """Partitions whose first records the target does not delete, and why."""
    return [
        Difference(
            name=partition,
            detail=f"the first records of {partition} were deleted on {between.source}, and"
            f" {between.target} keeps them: {why}; clients would read them again",
        )
        for partition, why in refusals.items()
    ]

"""How large an installation is, and what is done to it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of the clusters, and of what uses them."""

    topics: int
    partitions_each: int = 10
    share: float = 0.2
    """Of the partitions, how many are written in each second: all of them in turns."""
    records: int = 20
    """That each partition holds before anything is measured."""
    groups: int = 12
    """A third each at the end, behind by ten, and at the beginning of what there is."""
    members: int = 2
    """Of the groups at the end, how many have a consumer."""
    connections: int = 50
    """Of clients that are logged in and ask for nothing."""
    switches: int = 3
    """Planned ones; a forced one comes last."""
    sample_s: float = 15.0
    """For how long the processes are looked at, at rest and in use."""

    @property
    def partitions(self) -> int:
        return self.topics * self.partitions_each

    @property
    def written(self) -> int:
        """Partitions in each second."""
        return max(1, round(self.partitions * self.share))

    @property
    def names(self) -> list[str]:
        return [f"t{number}" for number in range(self.topics)]

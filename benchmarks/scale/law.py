"""How a figure grows: a constant and a slope, fitted to what was measured at several sizes."""

from collections.abc import Sequence
from typing import NamedTuple


class Law(NamedTuple):
    """`constant + slope * partitions`."""

    constant: float
    slope: float

    def at(self, partitions: int) -> float:
        return self.constant + self.slope * partitions


def fitted(points: Sequence[tuple[int, float]]) -> Law | None:
    """The line with the least squared error; None of fewer than two sizes.

    Args:
        points: partitions, and the figure.
    """
    if len({partitions for partitions, _ in points}) < 2:
        return None
    middle = sum(partitions for partitions, _ in points) / len(points)
    mean = sum(figure for _, figure in points) / len(points)
    spread = sum((partitions - middle) ** 2 for partitions, _ in points)
    together = sum((partitions - middle) * (figure - mean) for partitions, figure in points)
    slope = together / spread
    return Law(mean - slope * middle, slope)

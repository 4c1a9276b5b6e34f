"""The topics of one virtual cluster that its clients have named by their ids."""

from itertools import islice
from typing import Final

MOST_KNOWN: Final = 100_000
"""Topics that were deleted stay among those that are known."""


class OwnTopics:
    """What is learnt of them holds on every cluster, and for good.

    A topic keeps its name and the id that clients know, and one that was made anew has another id.
    """

    def __init__(self) -> None:
        """Know none yet."""
        self.names: dict[bytes, bytes] = {}
        """Physical names, by the id that clients know."""

    def learn(self, shown: bytes, physical: bytes) -> None:
        """The id that clients know is that of a topic of their own."""
        if len(self.names) >= MOST_KNOWN:
            # The newer half stays: answers are under way that name some of them.
            for oldest in list(islice(self.names, MOST_KNOWN // 2)):
                del self.names[oldest]
        self.names[shown] = physical

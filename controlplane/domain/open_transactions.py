"""Transactions that are open on a cluster, and what a switch does about them."""

from collections.abc import Iterable

import msgspec

from contract.shown import quoted


class OpenTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that its producer has not ended."""

    transactional_id: str
    """Physical."""
    producer_id: int
    producer_epoch: int
    state: str
    """As Kafka names it, as `Ongoing`."""
    open_s: float
    """For how long, by the clock of whoever looked and that of the cluster."""
    timeout_s: float
    """Its own: for how long it may be open before the cluster aborts it by itself."""

    @property
    def left_s(self) -> float:
        """How long it may still be open."""
        return max(0.0, self.timeout_s - self.open_s)

    def __str__(self) -> str:
        """For whoever waits for it."""
        producer = f"producer {self.producer_id}, epoch {self.producer_epoch}, {self.state}"
        return (
            f"{quoted(self.transactional_id)} ({producer}) for {self.open_s:.0f} s"
            f" of at most {self.timeout_s:.0f} s"
        )


def outlasting(transactions: Iterable[OpenTransaction], budget_s: float) -> list[OpenTransaction]:
    """Those that may still be open when so much time is over, the oldest first.

    One that is not older than the budget most likely ends within it: it is not among them.
    """
    return sorted(
        (one for one in transactions if one.open_s > budget_s and one.left_s > budget_s),
        key=lambda one: -one.open_s,
    )

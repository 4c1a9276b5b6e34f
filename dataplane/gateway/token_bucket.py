"""A rate that holds on average. Pure: the time is an argument."""


class TokenBucket:
    """So many bytes in a second, saved up for one second at most.

    What is taken has been used already, so it is taken in any case, and the bucket can be in debt;
    who took it is not listened to until the debt is paid. Thus over any time t no more than
    `rate * (t + 1)` is used, and what was used last.
    """

    __slots__ = ("_at", "_level", "rate")

    def __init__(self, rate: int, now: float) -> None:
        """Begin full."""
        self.rate = rate
        self._level = float(rate)
        self._at = now

    def take(self, amount: int, now: float) -> float:
        """Take what was used; the seconds until it is paid for, 0.0 if it is already."""
        saved = self._level + max(0.0, now - self._at) * self.rate
        self._level = min(float(self.rate), saved) - amount
        self._at = max(self._at, now)
        return max(0.0, -self._level / self.rate)

"""That an event cannot follow what happened before it."""


class IllegalTransitionError(ValueError):
    """An event that no table lists for where its subject stands."""

    def __init__(self, seq: int, kind: str, subject: str, phase: str) -> None:
        """Name the event and where its subject stands."""
        super().__init__(
            f"event {seq}, {kind}, cannot happen to {subject}, which is {phase}:"
            " it was decided by other rules than those of this release"
        )

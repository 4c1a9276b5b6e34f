"""What a frame program raises instead of a rewritten frame."""


class MalformedFrameError(ValueError):
    """The bytes are not a frame of this API and version: end the connection."""


class ForeignNameError(MalformedFrameError):
    """A response names something of another virtual cluster where that cannot be left out."""


class RefusedRequestError(Exception):
    """A well-formed request that a virtual cluster may not make.

    It is never sent on: answer it with `error_code`.
    """

    def __init__(self, error_code: int, reason: str) -> None:
        super().__init__(reason)
        self.error_code = error_code
        """Kafka's error code for the answer."""
        self.reason = reason
        """Shown to the client where its answer has room for it."""


class ReadOnlyTopicError(RefusedRequestError):
    """A request that writes to an alias for reading only, maybe among topics that it may write."""


class NamedByIdError(RefusedRequestError):
    """A request that names a topic by its id alone: which one that is has to be found out first."""

"""Why a command was not carried out, in a sentence for whoever asked."""


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """A command that is not carried out. The message says what to do instead."""


class Invalid(Refusal):
    """The command makes no sense as it stands, whatever the state."""


class Missing(Refusal):
    """The thing that the command is about does not exist."""


class Conflict(Refusal):
    """The state does not allow it."""


class Unsupported(Refusal):
    """There is no such thing here, on purpose."""


class Unavailable(Refusal):
    """Something that the command needs cannot be reached at present."""

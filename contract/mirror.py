"""What a control plane and whoever runs MirrorMaker 2 for it say to each other."""

import msgspec

PATH = "/mirror"
"""Where the supervisor is asked (GET) and told (PUT)."""

PROBE_TOPIC = "_interlock_mirror"
"""Written by control planes, to see records arrive. No tenant's: it must be mirrored as any other,
and names that begin with two underscores never are."""


class Direction(msgspec.Struct, frozen=True, kw_only=True):
    """Which way records are copied."""

    source: str
    target: str

    @property
    def back(self) -> "Direction":
        """The other way."""
        return Direction(source=self.target, target=self.source)

    def __str__(self) -> str:
        return f"{self.source}->{self.target}"


class MirrorOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Body of the order: from now on copy this way, and this way only."""

    direction: Direction | None
    """None: copy nothing."""
    left_out: tuple[str, ...] = ()
    """Virtual clusters whose topics and groups are not copied: they are served by the target."""


class MirrorReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the supervisor stands. An order is answered with it once it is carried out."""

    direction: Direction | None
    """What was ordered last; None after a start of the supervisor."""
    left_out: tuple[str, ...] | None = None
    """As it was ordered; None: it copies the topics of all, and can do nothing else."""
    pid: int | None = None
    """Of MirrorMaker 2, while it runs."""
    restarts: int = 0
    """How often it ended by itself since the order."""

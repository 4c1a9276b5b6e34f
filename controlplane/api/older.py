"""What is not written while a control plane runs that could not read it."""

from controlplane.domain.refusal import Conflict
from controlplane.ledger import Turn
from controlplane.store.database import who_cannot_read


async def require_all_read(turn: Turn, kind: str, lacks: str) -> None:
    """Refuse to write an event that a control plane of an older release would stop at.

    Args:
        turn: in which it would be written.
        kind: of the event.
        lacks: what an older release does not do, as `could not read the event`.

    Raises:
        Conflict: one is connected to this database; the message says from where.
    """
    if older := await who_cannot_read(turn.connection, kind):
        raise Conflict(
            f"a control plane of an older release runs at {', '.join(older)}, which {lacks}: stop"
            " it or update it first"
        )

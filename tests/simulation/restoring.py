"""The log loses its newest events; nobody decides on it until what was broadcast is taken back.

Production's `contradictions` judges, by what nodes report, the topic says and planes remember.
"""

from typing import TYPE_CHECKING, Final, NamedTuple

from controlplane.domain.copies import Copy, Log, contradictions
from tests.simulation.database import Database

if TYPE_CHECKING:
    from tests.simulation.world import World

AGAIN_S: Final = 0.1


class Restored(NamedTuple):
    """A backup takes the database's place, from so many events ago."""

    at: float
    """Seconds after the beginning."""
    events: int
    seconds: float
    """So long after that an operator takes back what was broadcast."""


def happen(world: "World", restored: Restored) -> None:
    """Bring it about, and its end."""
    world.timeline.after(restored.at, lambda: _restore(world, restored))


def _restore(world: "World", restored: Restored) -> None:
    """Once the topic has all: what nobody could be told again is another story."""
    database, topic = world.database, world.topic
    if not topic or topic[-1][0] < database.records[-1][0]:
        world.timeline.after(AGAIN_S, lambda: _restore(world, restored))
        return
    database.restore(restored.events)
    if not world.flaws.compares:
        return
    world.timeline.after(restored.seconds, lambda: _reconcile(world))


def _reconcile(world: "World") -> None:
    """An operator takes back what was broadcast, as soon as no node knows more than that."""
    database, topic = world.database, world.topic
    if any(gateway.applied > topic[-1][0] for gateway in world.gateways if gateway.running):
        world.timeline.after(AGAIN_S, lambda: _reconcile(world))
        return
    known = [topic[-1][0], *(plane.read_up_to for plane in world.planes)]
    database.take_back(topic, max(known))


def may_decide(database: Database, known: list[Copy]) -> bool:
    """Whether nothing stands against the log, by what reports say and by what else is known."""
    if not database.was_restored:
        return True
    log = Log(log="log", seq=database.seq, digest_at=database.mark_at)
    nodes = [
        Copy(where=node, log="log", seq=report.applied) for node, report in database.reports.items()
    ]
    return not contradictions(log, [*nodes, *known])

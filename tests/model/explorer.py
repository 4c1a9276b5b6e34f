"""Ways through a world: all of them, breadth first; or one by chance; or one that is given."""

import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tests.model.moves import moves
from tests.model.world import Flaws, World


class Found(NamedTuple):
    """What an exploration came to."""

    states: int
    wrong: str | None = None
    way: tuple[str, ...] = ()
    """The shortest series of moves that leads there."""


def explore(
    beginning: Any, flaws: Any, most: int = 10_000_000, moves: Callable[..., Any] = moves
) -> Found:
    """Until something is wrong, or everything was seen; `moves` are those of another world.

    Raises:
        RuntimeError: there are more than `most` states.
    """
    came_by: dict[Any, tuple[Any, str] | None] = {beginning: None}
    to_visit = deque([beginning])
    while to_visit:
        world = to_visit.popleft()
        for name, happen in moves(world, flaws):
            then, known = happen(), len(came_by)
            if then is world:
                continue
            came_by.setdefault(then, (world, name))
            if len(came_by) == known:
                continue
            if then.wrong is not None:
                return Found(len(came_by), then.wrong, _way(came_by, then))
            to_visit.append(then)
        if len(came_by) > most:
            raise RuntimeError(f"more than {most} states")
    return Found(len(came_by))


def _way(came_by: dict[Any, tuple[Any, str] | None], world: Any) -> tuple[str, ...]:
    names = []
    while (step := came_by[world]) is not None:
        world, name = step
        names.append(name)
    return tuple(reversed(names))


def wander_often(
    beginning: World, flaws: Flaws, seeds: Iterable[int], steps: int
) -> tuple[int, Found] | None:
    """The first seed by which something goes wrong, and how."""
    ways = ((seed, wander(beginning, flaws, seed, steps)) for seed in seeds)
    return next((way for way in ways if way[1].wrong is not None), None)


def wander(beginning: World, flaws: Flaws, seed: int, steps: int) -> Found:
    """One way by chance. What moves a switch on is likelier than what disturbs it."""
    chance = random.Random(seed)
    world, names = beginning, []
    for _ in range(steps):
        possible = list(moves(world, flaws))
        weights = [_WEIGHTS.get(_without_node(name), 4) for name, _ in possible]
        ((name, happen),) = chance.choices(possible, weights)
        world = happen()
        names.append(name)
        if world.wrong is not None:
            return Found(len(names), world.wrong, tuple(names))
    return Found(len(names))


_WEIGHTS = {
    "lead": 60,
    "publish": 20,
    "mirror": 20,
    "reports": 8,
    "reads the topic": 6,
    "tick": 3,
    "reports, hears nothing": 2,
    "lead anew": 1,
    "abort": 0.3,
    "write past the gateway": 0.3,
    "restarts": 0.2,
    "run out of time": 0.2,
}
"""How likely a move is; 4 for all others."""


def _without_node(name: str) -> str:
    return name.split(" ", 1)[1] if name.startswith("n") else name


def follow(world: World, flaws: Flaws, names: Iterable[str]) -> World:
    """The world after these moves; a move that cannot be made there is left out."""
    for name in names:
        happen = dict(moves(world, flaws)).get(name)
        world = happen() if happen is not None else world
    return world


def shortened(beginning: World, flaws: Flaws, way: tuple[str, ...]) -> tuple[str, ...]:
    """A way to something wrong without the moves that it does not need."""
    needed = list(way)
    at = 0
    while at < len(needed):
        without = needed[:at] + needed[at + 1 :]
        if follow(beginning, flaws, without).wrong is not None:
            needed = without
        else:
            at += 1
    return tuple(needed)

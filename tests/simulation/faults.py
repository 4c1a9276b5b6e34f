"""What goes wrong in a run, as values, so that a run can be told and repeated."""

import random
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from tests.simulation.timeline import Action

if TYPE_CHECKING:
    from tests.simulation.world import World

Kind: TypeAlias = Literal[
    "killed",
    "stopped",
    "deaf",
    "mute",
    "cut off",
    "without planes",
    "without topic",
    "without control",
    "down",
    "slow",
    "ousted",
]

GATEWAYS: Final = tuple(f"gateway{n}" for n in range(1, 6))
PLANES: Final = tuple(f"plane{n}" for n in range(1, 4))
PLACES: Final = ("database", "topic", "main", "failover")
PROCESSES: Final = (*GATEWAYS, *PLANES, "mirror")

_AROUND_A_MOMENT: Final = 0.7
_BY_KIND: Final[dict[Kind, tuple[str, ...]]] = {
    "killed": PROCESSES,
    "stopped": PROCESSES,
    "deaf": (*GATEWAYS, *PLANES),
    "mute": (*GATEWAYS, *PLANES),
    "cut off": (*GATEWAYS, *PLANES),
    "without planes": GATEWAYS,
    "without topic": (*GATEWAYS, *PLANES),
    "without control": GATEWAYS,
    "down": PLACES,
    "slow": (*PLACES, *GATEWAYS),
    "ousted": PLANES,
}


class Fault(NamedTuple):
    """Somebody is in trouble for a while."""

    at: float
    """Seconds after the beginning."""
    whom: str
    kind: Kind
    seconds: float

    def __str__(self) -> str:
        """As a story tells it."""
        return f"{self.at:5.2f} s: {self.whom} {self.kind} for {self.seconds:.2f} s"


def by_chance(seed: int, until: float, moments: Sequence[float]) -> tuple[Fault, ...]:
    """Up to ten faults of all kinds, in the order of time; most of them around these moments."""
    chance = random.Random(f"{seed} faults")
    faults = _together(chance, chance.choice(moments))
    for _ in range(chance.randint(0, 8)):
        kind = chance.choice(tuple(_BY_KIND))
        at = chance.uniform(0.0, until - 0.5)
        if chance.random() < _AROUND_A_MOMENT:
            at = chance.choice(moments) + chance.uniform(-1.0, 1.5)
        seconds = min(chance.expovariate(1 / 2.5), until - at)
        faults.append(Fault(round(at, 2), chance.choice(_BY_KIND[kind]), kind, round(seconds, 2)))
    return tuple(sorted(faults))


def _together(chance: random.Random, moment: float) -> list[Fault]:
    """Nothing, or faults at one moment that ask for the same rule of the protocol."""
    at, seconds = round(moment + chance.uniform(-0.5, 1.0), 2), round(chance.uniform(2.0, 5.0), 2)
    gateway = chance.choice(GATEWAYS)
    match chance.randrange(6):
        case 0:  # A node stays fresh by a topic that nobody can write the fence to.
            alone = Fault(at, gateway, "without planes", seconds)
            return [alone, *(Fault(at, plane, "without topic", seconds) for plane in PLANES)]
        case 1:  # Leaders change while a silent node is waited out.
            later = [round(at + chance.uniform(0.5, 2.0), 2) for _ in PLANES]
            return [
                Fault(at, gateway, "without control", seconds),
                *(Fault(t, plane, "killed", 0.4) for t, plane in zip(later, PLANES, strict=True)),
            ]
        case 2:  # A node hears nothing of the topic, and is late with what the planes say.
            return [Fault(at, gateway, "without topic", seconds), Fault(at, gateway, "slow", 2.0)]
        case _:
            return []


def happen(world: "World", fault: Fault) -> None:
    """Bring a fault about, and its end."""
    begin, end = _ways(world, fault)
    world.timeline.after(fault.at, begin)
    world.timeline.after(fault.at + fault.seconds, end)


def _ways(world: "World", fault: Fault) -> tuple[Action, Action]:
    network, whom = world.network, fault.whom
    match fault.kind:
        case "killed":
            process = world.processes[whom]
            return process.kill, process.start_if_killed
        case "stopped":
            process = world.processes[whom]
            return process.stop, process.go_on
        case "down":
            return partial(network.down.add, whom), partial(world.is_up_again, whom)
        case "slow":
            return partial(network.slow.add, whom), partial(network.slow.discard, whom)
        case "ousted":
            return partial(world.database.oust, world.processes[whom]), _nothing
        case _:
            links = _links(whom, fault.kind)
            return partial(network.cut.update, links), partial(network.cut.difference_update, links)


def _links(whom: str, kind: Kind) -> set[tuple[str, str]]:
    others = {
        "without planes": {*PLANES},
        "without topic": {"topic"},
        "without control": {*PLANES, "topic"},
    }.get(kind, {*PROCESSES, *PLACES} - {whom})
    hears = {(other, whom) for other in others} if kind != "mute" else set()
    says = {(whom, other) for other in others} if kind != "deaf" else set()
    return hears | says


def _nothing() -> None:
    """What is over by itself."""

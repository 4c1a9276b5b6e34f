"""True time, processes with clocks of their own, and a network between them that cannot be trusted.

Everything is decided by one seed: each process and each link draws from a generator of its own, so
that leaving one fault out changes little else.
"""

import heapq
import random
from collections.abc import Callable
from itertools import count
from typing import Any, Final, TypeAlias

Action: TypeAlias = Callable[[], None]

LOSS: Final = 0.02
"""How many messages are lost without any fault."""
USUAL_DELAY: Final = (0.001, 0.04)
"""Seconds; each message draws its own, so later ones overtake earlier ones."""
SLOW_DELAY: Final = (0.2, 1.5)


class Timeline:
    """What happens when, by the true time in seconds."""

    def __init__(self) -> None:
        """Nothing is to happen yet."""
        self.now = 0.0
        self._queue: list[tuple[float, int, Action]] = []
        self._numbers = count()

    def after(self, seconds: float, action: Action) -> None:
        """Have something happen later."""
        heapq.heappush(self._queue, (self.now + seconds, next(self._numbers), action))

    def run(self, until: float) -> None:
        """Let everything happen up to a moment."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, action = heapq.heappop(self._queue)
            action()
        self.now = until


class Process:
    """Something that can be killed, stopped and continued, with a monotonic clock of its own."""

    def __init__(self, name: str, timeline: Timeline, seed: int, drift: float) -> None:
        """Its clock runs up to `drift` (0.01: one percent) too fast or too slow."""
        self.name = name
        self.life = 0
        """How often it was started again."""
        self.running = True
        self.chance = random.Random(f"{seed} {name}")
        self._timeline = timeline
        self._rate = 1.0 + self.chance.uniform(-drift, drift)
        self._offset = self.chance.uniform(0, 1000)
        self._stopped = False
        self._waiting: list[Action] = []

    def clock(self) -> float:
        """Seconds on its own clock. It runs on while the process is stopped."""
        return self._offset + self._rate * self._timeline.now

    def take(self, life: int, action: Action) -> None:
        """Do something, unless it was meant for an earlier life; once continued, if stopped."""
        if life != self.life or not self.running:
            return
        if self._stopped:
            self._waiting.append(action)
            return
        action()

    def after(self, seconds: float, action: Action) -> None:
        """Set a timer by its own clock."""
        life = self.life
        self._timeline.after(seconds / self._rate, lambda: self.take(life, action))

    def every(self, seconds: float, action: Action) -> None:
        """Do something again and again for as long as it lives."""

        def again() -> None:
            action()
            self.after(seconds, again)

        self.after(seconds * self.chance.random(), again)

    def begin(self) -> None:
        """What it does when it starts."""

    def kill(self) -> None:
        """All that it knew is gone."""
        self.running = False
        self._stopped = False
        self._waiting.clear()

    def start(self) -> None:
        """Start, again if it is not the first time."""
        self.life += 1
        self.running = True
        self.begin()

    def start_if_killed(self) -> None:
        """Whoever watches over it starts it again."""
        if not self.running:
            self.start()

    def stop(self) -> None:
        """SIGSTOP."""
        self._stopped = True

    def go_on(self) -> None:
        """SIGCONT: what has arrived and which timers have run out meanwhile, all at once."""
        self._stopped = False
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            self.take(self.life, action)


class Network:
    """Carries messages between what has a name."""

    def __init__(self, timeline: Timeline, seed: int) -> None:
        """All links work."""
        self.cut: set[tuple[str, str]] = set()
        """One direction each: (from, to)."""
        self.down: set[str] = set()
        """Who does not answer at all."""
        self.slow: set[str] = set()
        self._timeline = timeline
        self._seed = seed
        self._chances: dict[tuple[str, str], random.Random] = {}

    def send(self, source: str, target: str, action: Action, *, reliable: bool = False) -> None:
        """Deliver, late or never; `reliable` is within one machine or one connection's bytes."""
        chance = self._chances.get((source, target))
        if chance is None:
            chance = random.Random(f"{self._seed} {source} {target}")
            self._chances[source, target] = chance
        lost = chance.random() < LOSS and not reliable
        slow = source in self.slow or target in self.slow
        delay = chance.uniform(*(SLOW_DELAY if slow else USUAL_DELAY))
        if not lost and (source, target) not in self.cut:
            self._timeline.after(delay, lambda: self._arrive(target, action))

    def _arrive(self, target: str, action: Action) -> None:
        if target not in self.down:
            action()

    def ask(
        self,
        asker: Process,
        target: str,
        question: Callable[[], Any],
        then: Callable[[Any], None],
    ) -> None:
        """Have `question` answered over there, and go on with the answer, if any ever comes."""
        life = asker.life

        def answer() -> None:
            told = question()
            back = lambda: asker.take(life, lambda: then(told))  # noqa: E731 - one way back
            self.send(target, asker.name, back)

        self.send(asker.name, target, answer)

"""A client that writes numbered records, and sends again what nobody answers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.simulation.clusters import Written
from tests.simulation.timeline import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

PAUSE_S: Final = 0.25
PATIENCE_S: Final = 2.0


class Writer(Process):
    """An idempotent producer."""

    def __init__(self, world: "World", name: str) -> None:
        """It has not started yet."""
        super().__init__(name, world.timeline, world.seed, 0.0)
        self._world = world
        self._number = 0
        self._attempt = 0
        self._connection = 0
        self.last_answer_at = 0.0

    def begin(self) -> None:
        """Write the first record."""
        self.after(self.chance.random(), self._send)

    def _send(self) -> None:
        self._attempt += 1
        attempt, written = self._attempt, Written(self.name, self._number)
        gateway = self.chance.choice(self._world.gateways)
        connection = self.name, self._connection
        network, life = self._world.network, gateway.life

        def answer(is_written: bool) -> None:  # noqa: FBT001 - the answer is nothing else
            network.send(
                gateway.name,
                self.name,
                lambda: self._hear(connection, written, is_written),
                reliable=True,
            )

        network.send(
            self.name,
            gateway.name,
            lambda: gateway.take(life, lambda: gateway.write(connection, written, answer)),
            reliable=True,
        )

        def hang_up() -> None:
            network.send(
                self.name,
                gateway.name,
                lambda: gateway.take(life, lambda: gateway.hear_hanging_up(connection)),
                reliable=True,
            )

        self.after(PATIENCE_S, lambda: self._lose_patience(attempt, hang_up))

    def _hear(self, connection: tuple[str, int], written: Written, is_written: bool) -> None:  # noqa: FBT001 - it is the answer
        if connection != (self.name, self._connection) or written.number != self._number:
            return
        if is_written:
            self.last_answer_at = self._world.timeline.now
            self._number += 1
        self._attempt += 1
        self.after(PAUSE_S, self._send)

    def _lose_patience(self, attempt: int, hang_up: Callable[[], None]) -> None:
        if attempt == self._attempt:
            hang_up()
            self._connection += 1
            self._send()

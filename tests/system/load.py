"""Producers under which switches happen, and what they saw: who acknowledged, and when."""

import time
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from sandbox.in_background import InBackground

PAUSE = 0.004
"""Seconds between two rounds over all producers."""


@dataclass(frozen=True)
class Acknowledgement:
    """One acknowledged record."""

    value: bytes
    at: float
    """Monotonic seconds at which the application heard of it."""


class Load(InBackground):
    """Idempotent producers in one thread, so that one clock and one order see all of them."""

    def __init__(self, clients: list[dict[str, Any]], topic: str) -> None:
        """Produce to a topic through each client's gateway."""
        super().__init__(self._run)
        settings = {"enable.idempotence": True, "linger.ms": 0, "error_cb": self._failed}
        self._producers = [Producer({**client, **settings}) for client in clients]
        self._topic = topic
        self.sent = 0
        self.acknowledgements: list[Acknowledgement] = []
        self.failed: list[str] = []
        """Why records could not be delivered."""
        self.errors: list[str] = []
        """That, and every trouble with a connection, from which the client recovers by itself."""

    def wait_for_more(self, count: int) -> None:
        """Wait until `count` further records have been acknowledged."""
        wanted = len(self.acknowledgements) + count
        give_up_at = time.monotonic() + 30
        while len(self.acknowledgements) < wanted:
            assert time.monotonic() < give_up_at, f"no acknowledgements any more: {self.errors}"
            time.sleep(PAUSE)

    def _run(self) -> None:
        while not self._stop.wait(PAUSE):
            for producer in self._producers:
                producer.produce(self._topic, b"%d" % self.sent, on_delivery=self._delivered)
                self.sent += 1
            for producer in self._producers:
                producer.poll(0)
        for producer in self._producers:
            assert producer.flush(30) == 0, "some records were never acknowledged"
        self._producers.clear()

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        value = message.value()
        if error is not None:
            self.failed.append(str(error))
            self.errors.append(str(error))
        elif value is not None:
            self.acknowledgements.append(Acknowledgement(value, time.monotonic()))

    def _failed(self, error: KafkaError) -> None:
        self.errors.append(str(error))

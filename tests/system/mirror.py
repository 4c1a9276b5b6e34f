"""What a mirror does, as little as a test needs: one topic's records, with all that they hold."""

import uuid

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from sandbox.in_background import InBackground
from sandbox.kafka import KafkaCluster


class Mirror(InBackground):
    """Copies a topic of one partition from one cluster to another while it is entered."""

    def __init__(
        self, source: KafkaCluster, target: KafkaCluster, topic: str, start: int = 0
    ) -> None:
        """Begin at an offset of the source: what stands before it, the target has."""
        super().__init__(self._run)
        self._consumer = Consumer(
            {"bootstrap.servers": source.bootstrap_servers, "group.id": uuid.uuid4().hex}
        )
        self._consumer.assign([TopicPartition(topic, 0, start)])
        self._producer = Producer(
            {"bootstrap.servers": target.bootstrap_servers, "enable.idempotence": True}
        )
        self._topic = topic

    def _close(self) -> None:
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(1000, timeout=0.1):
                self._copy(message)
            self._producer.flush()

    def _copy(self, message: Message) -> None:
        assert message.error() is None
        _, timestamp = message.timestamp()
        self._producer.produce(
            self._topic,
            message.value(),
            message.key(),
            partition=0,
            timestamp=timestamp,
            headers=message.headers(),
        )

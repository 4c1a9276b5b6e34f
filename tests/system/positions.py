"""Group positions on the other cluster, where offsets are the same: copied as they are."""

import threading
from concurrent.futures import Future
from typing import Any, Self

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka.admin import AdminClient

from sandbox.kafka import KafkaCluster

PAUSE = 0.02


class Positions:
    """Copies the offsets of groups from one cluster to another, again and again while entered."""

    def __init__(self, source: KafkaCluster, target: KafkaCluster, groups: list[str]) -> None:
        self._source = AdminClient({"bootstrap.servers": source.bootstrap_servers})
        self._target = AdminClient({"bootstrap.servers": target.bootstrap_servers})
        self._groups = groups
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE):
            for group in self._groups:
                self._copy(group)

    def _copy(self, group: str) -> None:
        asked = [ConsumerGroupTopicPartitions(group)]
        found = _result(self._source.list_consumer_group_offsets(asked)).topic_partitions
        if not found:
            return
        try:
            _result(
                self._target.alter_consumer_group_offsets(
                    [ConsumerGroupTopicPartitions(group, found)]
                )
            )
        except KafkaException:
            return  # the group has members there: it is served there already


def _result(futures: dict[str, Future[Any]]) -> Any:
    (future,) = futures.values()
    return future.result(10)

"""Where tests get Kafka and Postgres from: processes of the sandbox, or containers."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.kafka import BrokerAddress, KafkaCluster
from sandbox.kafka_release import kafka_release
from sandbox.ports import Ports
from sandbox.postgres import Postgres, remove_data
from sandbox.process import wait_ready


@dataclass(frozen=True)
class Clusters:
    """Bootstrap servers of two independent clusters of one broker each."""

    main: str
    failover: str


class Backend(Protocol):
    """Starts what tests need and stops it again."""

    def clusters(self) -> AbstractContextManager[Clusters]:
        """Two clusters with different cluster ids and node ids."""
        ...

    def postgres(self) -> AbstractContextManager[str]:
        """`postgresql://` URL of an empty database whose owner may create others."""
        ...


@dataclass(frozen=True)
class Processes:
    """Child processes of the test run; DATABASE_URL names a Postgres server to use instead."""

    ports: Ports
    folder: Path

    @contextmanager
    def clusters(self) -> Iterator[Clusters]:
        kafka = kafka_release()
        main_address = BrokerAddress(1, self.ports.main_broker(0))
        failover_address = BrokerAddress(101, self.ports.failover_broker(0))
        main = KafkaCluster("main", [main_address], self.folder, kafka)
        failover = KafkaCluster("failover", [failover_address], self.folder, kafka)
        brokers = [*main.brokers, *failover.brokers]
        try:
            for cluster in (main, failover):
                cluster.format()
            for broker in brokers:
                broker.start()
            wait_ready(brokers)
            yield Clusters(main.bootstrap_servers, failover.bootstrap_servers)
        finally:
            for broker in brokers:
                broker.kill()

    @contextmanager
    def postgres(self) -> Iterator[str]:
        if existing := os.environ.get("DATABASE_URL"):
            yield existing
            return
        server = Postgres(self.ports.postgres, self.folder)
        try:
            server.initialise()
            server.process.start()
            server.process.wait_ready()
            yield server.url
        finally:
            server.process.stop()
            remove_data(self.folder)

"""What a look of the watch, and the proof behind a fence, cost by the number of partitions.

`make watch-cost` writes docs/watch-cost.md. Two real clusters hold the same records, which this
writes to both: no mirror takes the processors. What is measured is this process's own processor
time, which is the control plane's; the clusters' and the waiting for them are not in it.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from aiokafka import TopicPartition
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from contract.clusters_file import ClusterProperties
from controlplane.domain.replica import Watched
from controlplane.probes.completeness import prove
from controlplane.probes.following import Following
from controlplane.probes.mirror import compare
from controlplane.probes.reader import EndReader, end_reader
from controlplane.probes.replica import losses, watch
from sandbox.kafka import BrokerAddress, KafkaCluster
from sandbox.kafka_release import kafka_release
from sandbox.ports import reserved_ports
from sandbox.process import wait_ready

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "watch-cost.md"
PARTITIONS = 10
"""Of each topic."""
PREFILL = 20
VALUE = bytes(256)
_AT_ONCE = 100
ABOUT = (
    "Written by `make watch-cost`: processor seconds of a control plane, of which a look is due"
    " every two seconds, or when it has rested three times as long as the last one took. Topics of"
    f" {PARTITIONS} partitions, two records of {len(VALUE)} bytes in each partition that has moved."
    " The clusters' own time is not in it."
)
T = TypeVar("T")


class Writer:
    """Writes the same to both clusters."""

    def __init__(self, servers: tuple[str, str], topics: int) -> None:
        self._topics = [f"t{n}" for n in range(topics)]
        self._written = 0
        for bootstrap in servers:
            _create(bootstrap, self._topics)
        self._producers = [
            Producer(
                {
                    "bootstrap.servers": bootstrap,
                    "enable.idempotence": True,
                    "log_level": 0,
                    "queue.buffering.max.messages": 10_000_000,
                    "topic.metadata.propagation.max.ms": 120_000,
                }
            )
            for bootstrap in servers
        ]

    def write(self, records: int, partitions: int) -> None:
        """So many records to each of the first partitions."""
        at = int(datetime.now(UTC).timestamp() * 1000)
        for number in range(records * partitions):
            partition = number % partitions
            self._written += 1
            for producer in self._producers:
                producer.produce(
                    self._topics[partition // PARTITIONS],
                    VALUE,
                    b"%d" % self._written,
                    partition % PARTITIONS,
                    timestamp=at,
                )
                producer.poll(0)
        for producer in self._producers:
            if left := producer.flush(120):
                raise RuntimeError(f"{left} records were not written within two minutes")


def _create(bootstrap: str, topics: list[str]) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for start in range(0, len(topics), _AT_ONCE):
        new = [NewTopic(topic, PARTITIONS, 1) for topic in topics[start : start + _AT_ONCE]]
        for made in admin.create_topics(new, request_timeout=120).values():
            made.result()


class Costs(NamedTuple):
    """Processor seconds at one size."""

    partitions: int
    looks: tuple[float, ...]
    """If none, a fiftieth, a fifth and all of the partitions have moved since the last one."""
    proofs: tuple[float, ...]
    """The same, behind a fence."""
    losses: float
    """What a forced switch asks of the replica."""


class Scene(NamedTuple):
    """Both clusters, opened."""

    source: EndReader
    replica: EndReader
    writer: Writer
    partitions: list[TopicPartition]

    @property
    def shares(self) -> tuple[int, ...]:
        count = len(self.partitions)
        return 0, count // 50, count // 5, count

    async def look(self, seen: Watched | None) -> Watched:
        return await watch(self.source, self.replica, self.partitions, seen)

    async def proof(self, seen: Watched) -> None:
        topics = frozenset(partition.topic for partition in self.partitions)
        following = Following(seen)
        found = await compare(self.source, self.replica, topics, following=following)
        if found.cut is None:
            raise RuntimeError(f"not alike: {found.behind[:5]}, {found.unreadable[:5]}")
        await prove(self.source, self.replica, found.cut, following)


async def measured(scene: Scene) -> Costs:
    """At one size."""
    scene.writer.write(PREFILL, len(scene.partitions))
    seen = await scene.look(None)
    while any(mark.postponed or mark.unreadable for mark in seen.marks):
        seen = await scene.look(seen)
    looks, proofs = [], []
    for share in scene.shares:
        scene.writer.write(2, share)
        before = seen
        cost, _ = await _cost(lambda before=before: scene.proof(before))
        proofs.append(cost)
        cost, seen = await _cost(lambda before=before: scene.look(before))
        looks.append(cost)
    scene.writer.write(2, scene.shares[2])
    lost, _ = await _cost(lambda: losses(scene.replica, seen))
    return Costs(len(scene.partitions), tuple(looks), tuple(proofs), lost)


async def _cost(call: Callable[[], Awaitable[T]]) -> tuple[float, T]:
    began = time.process_time()
    found = await call()
    return time.process_time() - began, found


async def measure(servers: tuple[str, str], topics: int) -> Costs:
    """Fill two clusters, and measure."""
    main, failover = (
        ClusterProperties(name=name, role=role, properties={"bootstrap.servers": bootstrap})
        for name, role, bootstrap in zip(
            ("main", "failover"), ("upstream", "failover"), servers, strict=True
        )
    )
    writer = await asyncio.to_thread(Writer, servers, topics)
    names = [f"t{n}" for n in range(topics)]
    async with end_reader(main) as source, end_reader(failover) as replica:
        while len(partitions := await source.partitions(names)) < topics * PARTITIONS:  # noqa: ASYNC110 - its brokers say it to who asks
            await asyncio.sleep(0.5)
        return await measured(Scene(source, replica, writer, partitions))


@contextmanager
def clusters(folder: Path) -> Iterator[tuple[str, str]]:
    """Bootstrap servers of two clusters of one broker."""
    with reserved_ports() as ports:
        kafka = kafka_release()
        both = (
            KafkaCluster("main", [BrokerAddress(1, ports.main_broker(0))], folder, kafka),
            KafkaCluster("failover", [BrokerAddress(101, ports.failover_broker(0))], folder, kafka),
        )
        brokers = [broker for cluster in both for broker in cluster.brokers]
        try:
            for cluster in both:
                cluster.format()
            for broker in brokers:
                broker.start()
            wait_ready(brokers)
            yield both[0].bootstrap_servers, both[1].bootstrap_servers
        finally:
            for broker in brokers:
                broker.kill()


def page(costs: list[Costs]) -> str:
    """The figures, as they are kept."""
    heads = ("none moved", "a fiftieth", "a fifth", "all")
    lines = [
        "# What the watch and the proof cost by size",
        "",
        ABOUT,
        "",
    ]
    for title, of in (
        ("One look of the watch", lambda one: one.looks),
        ("The comparison and the proof behind the fence", lambda one: one.proofs),
    ):
        lines += [
            f"## {title}",
            "",
            f"| partitions | {' | '.join(heads)} |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {one.partitions:,} | {' | '.join(f'{s:.2f} s' for s in of(one))} |" for one in costs
        ]
        lines += [""]
    lines += ["## What a forced switch asks of the replica, if a fifth has moved", ""]
    lines += ["| partitions | |", "|---|---|"]
    lines += [f"| {one.partitions:,} | {one.losses:.2f} s |" for one in costs]
    first, last = costs[0], costs[-1]
    lines += ["", "## The law", ""]
    for what, of in (
        ("a partition that has not moved, at each look", lambda one: one.looks[0]),
        ("one that has, at each look", lambda one: one.looks[3] - one.looks[0]),
        ("one that has, behind the fence", lambda one: one.proofs[3] - one.proofs[0]),
    ):
        slope = (of(last) - of(first)) / (last.partitions - first.partitions)
        lines += [
            f"- {what}: {slope * 1e6:.0f} us, so {slope * 200_000:.1f} s for 200,000 of them."
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure the sizes that are asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="*", type=int, default=[5, 20, 50])
    costs = []
    for topics in parser.parse_args().topics:
        with (
            tempfile.TemporaryDirectory(prefix="interlock-") as folder,
            clusters(Path(folder)) as servers,
        ):
            costs.append(asyncio.run(measure(servers, topics)))
        print(costs[-1], flush=True)
    PAGE.write_text(page(costs))
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

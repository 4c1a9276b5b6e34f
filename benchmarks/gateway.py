"""Interlock against direct, same machine, same run: `make bench` writes docs/benchmarks.md.

Throughput swings with whatever else the machine does; processor time per request and per GB is the
figure to compare. Each figure is the median of several rounds in which the ways take turns.
"""

import asyncio
import contextlib
import os
import platform
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer
from paths import PEER_VARIABLE, Cpu, Way, direct, interlock, kafka_proxy
from programs import program_section
from side_by_side import rows
from switching import SwitchTimes, measure_switches

from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports

PAGE = Path("docs/benchmarks.md")
BEFORE_VARIABLE = "BEFORE"
"""Names a commit that is measured in the same run, without JVMs; unset: none is."""
ROUNDS = 3
BATCHED_RECORDS = 300_000
BATCHED_SIZE = 1024
SMALL_RECORDS = 30_000
SMALL_SIZE = 200
LATENCY_SAMPLES = 1500

_PRODUCED = re.compile(r"([\d.]+) records/sec \(([\d.]+) MB/sec\)")


@dataclass(frozen=True)
class Run:
    """One measured run over one way."""

    records: int
    megabytes: float
    records_per_s: float
    megabytes_per_s: float
    cpu: Cpu

    @property
    def cpu_per_gb(self) -> float:
        return self.cpu.total / (self.megabytes / 1000)

    @property
    def cpu_us_per_record(self) -> float:
        return self.cpu.total / self.records * 1e6


class Bench:
    """Kafka's own load tools, over one way after the other."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self._tools = environment.plan.tools
        self._folder = folder

    def create_topic(self, path: Way, topic: str) -> None:
        self._tool(
            "kafka-topics",
            *("--bootstrap-server", path.bootstrap, "--create", "--topic", topic),
            *("--partitions", "1", "--replication-factor", "1"),
            *("--command-config", str(path.write_properties(self._folder))),
        )

    def produce_batched(self, path: Way) -> Run:
        settings = ("linger.ms=5", "batch.size=16384")
        return self._produce(path, "batched", BATCHED_RECORDS, BATCHED_SIZE, *settings)

    def produce_small(self, path: Way) -> Run:
        settings = ("linger.ms=0", "batch.size=1")
        return self._produce(path, "small", SMALL_RECORDS, SMALL_SIZE, *settings)

    def consume_batched(self, path: Way) -> Run:
        return self._consume(path, "batched", BATCHED_RECORDS)

    def _produce(self, path: Way, topic: str, records: int, size: int, *settings: str) -> Run:
        before = path.cpu()
        said = self._tool(
            "kafka-producer-perf-test",
            *("--topic", path.topic_prefix + topic, "--throughput", "-1"),
            *("--num-records", str(records), "--record-size", str(size)),
            *("--producer.config", str(path.write_properties(self._folder))),
            *("--producer-props", f"bootstrap.servers={path.bootstrap}", "acks=all", *settings),
        )
        cpu = path.cpu() - before
        found = _PRODUCED.findall(said)[-1]
        return Run(records, records * size / 1e6, float(found[0]), float(found[1]), cpu)

    def _consume(self, path: Way, topic: str, records: int) -> Run:
        before = path.cpu()
        said = self._tool(
            "kafka-consumer-perf-test",
            *("--topic", path.topic_prefix + topic, "--messages", str(records)),
            *("--bootstrap-server", path.bootstrap, "--timeout", "60000"),
            *("--consumer.config", str(path.write_properties(self._folder))),
        )
        cpu = path.cpu() - before
        fields = said.strip().splitlines()[-1].split(", ")
        megabytes, per_s = float(fields[2]), float(fields[-2])
        return Run(records, megabytes, float(fields[-1]), per_s, cpu)

    def _tool(self, name: str, *arguments: str) -> str:
        done = subprocess.run(
            [self._tools / name, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{name} failed: {done.stderr or done.stdout}")
        return done.stdout


async def latencies(path: Way, topic: str) -> list[float]:
    """Milliseconds of one write after the other, one 200-byte record each."""
    credentials = {}
    if path.properties:
        token = path.properties["sasl.jaas.config"].split("password='")[1].split("'")[0]
        credentials = {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": "sa",
            "sasl_plain_password": token,
        }
    producer = AIOKafkaProducer(bootstrap_servers=path.bootstrap, acks="all", **credentials)
    await producer.start()
    taken = []
    try:
        for _ in range(LATENCY_SAMPLES):
            began = time.perf_counter()
            await producer.send_and_wait(path.topic_prefix + topic, bytes(SMALL_SIZE))
            taken.append((time.perf_counter() - began) * 1000)
    finally:
        await producer.stop()
    return taken[100:]


def in_turns(paths: list[Way], measure: Callable[[Way], Run]) -> dict[str, list[Run]]:
    """Several rounds in which every way has its turn; one more before, which warms up."""
    runs: dict[str, list[Run]] = {path.name: [] for path in paths}
    for number in range(ROUNDS + 1):
        for path in paths:
            run = measure(path)
            print(f"  {path.name:<12} {run.megabytes_per_s:8.1f} MB/s {run.cpu.total:6.2f} cpu s")
            if number:
                runs[path.name].append(run)
    return runs


def median(runs: list[Run], figure: Callable[[Run], float]) -> float:
    return statistics.median(figure(run) for run in runs)


def table(runs: dict[str, list[Run]], *, small: bool) -> list[str]:
    baseline = median(runs["direct"], lambda r: r.records_per_s)
    unit = "cpu us per request" if small else "cpu s per GB"
    lines = [
        f"| way | records/s | MB/s | of direct | {unit} | of that in the kernel |",
        "|---|---|---|---|---|---|",
    ]
    for name, of in runs.items():
        rate = median(of, lambda r: r.records_per_s)
        cost = median(of, lambda r: r.cpu_us_per_record if small else r.cpu_per_gb)
        kernel = median(of, lambda r: r.cpu.system / r.cpu.total if r.cpu.total else 0)
        spent = f"{cost:.1f} | {kernel:.0%}" if name != "direct" else "- | -"
        megabytes = median(of, lambda r: r.megabytes_per_s)
        lines.append(
            f"| {name} | {rate:,.0f} | {megabytes:.1f} | {rate / baseline:.0%} | {spent} |"
        )
    return lines


def latency_table(paths: list[Way], topic: str) -> list[str]:
    taken: dict[str, list[float]] = {path.name: [] for path in paths}
    for _ in range(ROUNDS):
        for path in paths:
            taken[path.name] += asyncio.run(latencies(path, topic))
    lines = ["| way | p50 ms | p99 ms |", "|---|---|---|"]
    for name, values in taken.items():
        cuts = statistics.quantiles(values, n=100)
        lines.append(f"| {name} | {cuts[49]:.2f} | {cuts[98]:.2f} |")
    return lines


def page(sections: dict[str, list[str]], resident: float, left_out: str) -> str:
    cores, load = os.cpu_count(), os.getloadavg()[0]
    head = [
        "# Benchmarks",
        "",
        (
            f"Made by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {cores} cores,"
            f" {platform.machine()}, Python {platform.python_version()}; clients, brokers and"
            f" gateway share the cores; load average at the end {load:.1f}."
        ),
        (
            f"One broker, one partition, one client; median of {ROUNDS} rounds in turns, after one"
            f" that warms up. Resident memory of the gateway at the end: {resident:.0f} MiB."
        ),
        "",
        left_out,
    ]
    body = [line for title, lines in sections.items() for line in ("", f"## {title}", "", *lines)]
    return "\n".join([*head, *body, ""])


def switch_section(times: SwitchTimes) -> list[str]:
    rows = [
        ("fence to commit", times.fenced_ms),
        ("request to completion", times.total_ms),
        ("call to first acknowledgement by the new cluster", times.first_ack_ms),
    ]
    lines = ["| milliseconds | median | max |", "|---|---|---|"]
    lines += [f"| {name} | {statistics.median(v):.0f} | {max(v):.0f} |" for name, v in rows]
    planned = (
        f"One planned switch with a mirror that had caught up: {times.planned_total_ms:.0f} ms"
        f" from request to completion, {times.planned_fenced_ms:.0f} ms of it fenced."
    )
    return [
        f"{len(times.total_ms)} forced switches, under load:",
        "",
        *lines,
        "",
        planned,
    ]


def measure_load(sections: dict[str, list[str]]) -> tuple[float, bool]:
    """Fill in the sections about load; the gateway's resident MiB, and whether a peer was there."""
    with environment_of(Component.GATEWAYS) as environment, kafka_proxy(environment) as peer:
        ways = [direct(environment), interlock(environment), *([peer] if peer else [])]
        bench = Bench(environment, environment.plan.folder)
        for topic in ("batched", "small", "latency"):
            bench.create_topic(ways[1], topic)
        print("produce, 16 KiB batches")
        batched = in_turns(ways, bench.produce_batched)
        sections["Produce, 1 KiB records in 16 KiB batches"] = table(batched, small=False)
        print("fetch")
        fetched = in_turns(ways, bench.consume_batched)
        sections["Fetch, the same records"] = table(fetched, small=False)
        print("produce, one 200-byte record per request")
        small = in_turns(ways, bench.produce_small)
        sections["Produce, one 200-byte record per request"] = table(small, small=True)
        print("latency")
        sections["Latency of one write after the other"] = latency_table(ways, "latency")
        return ways[1].resident_mib(), peer is not None


@contextlib.contextmanager
def environment_of(*components: Component) -> Iterator[Environment]:
    with tempfile.TemporaryDirectory() as folder, reserved_ports() as ports:
        plan = Plan(
            folder=Path(folder),
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset(components),
        )
        with Environment(plan) as environment:
            yield environment


def main() -> None:
    sections: dict[str, list[str]] = {}
    resident, has_peer = measure_load(sections)
    print("switches")
    with environment_of(Component.GATEWAYS, Component.MIRROR) as environment:
        sections["Switches"] = switch_section(measure_switches(environment))
    sections["Programs, generated at a node's start"] = program_section()
    if before := os.environ.get(BEFORE_VARIABLE):
        print(f"beside commit {before}")
        sections[f"Beside commit {before}"] = list(rows(before))
    left_out = "" if has_peer else f"kafka-proxy was left out: `{PEER_VARIABLE}` names no binary."
    PAGE.write_text(page(sections, resident, left_out))
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()

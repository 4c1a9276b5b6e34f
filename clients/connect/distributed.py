"""Kafka Connect in distributed mode: two workers, a file source, a file sink, one worker less.

The arguments are the command of a worker, without its properties file. It prints one line of JSON
for each step.
"""

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))

from exercise import BOOTSTRAP, PASSWORD, PREFIX, USERNAME, check, step

TOPIC = f"{PREFIX}-lines"
PATIENCE = 90
"""Seconds; a worker needs some ten to start on a busy machine."""


class Worker:
    """One worker process and its REST interface."""

    def __init__(self, command: list[str], folder: Path, name: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = folder / f"{name}.log"
        properties = folder / f"{name}.properties"
        properties.write_text(
            "".join(f"{key}={value}\n" for key, value in worker_properties(self.url).items())
        )
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*command, str(properties)], stdout=log, stderr=log)

    def ask(self, method: str, path: str, **arguments: Any) -> Any:
        """The answer of the REST interface. Raises httpx.HTTPError."""
        answer = httpx.request(method, self.url + path, timeout=30, **arguments)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def is_up(self) -> bool:
        """Whether it serves; a worker that ended has no more chance."""
        check(self.process.poll() is None, f"the worker ended: {self.last_words()}")
        return isinstance(self.asked("/connectors"), list)

    def asked(self, path: str) -> Any:
        """The answer to a GET, None if there is none now."""
        with contextlib.suppress(httpx.HTTPError):
            return self.ask("GET", path)
        return None

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return next((line for line in reversed(lines) if "ERROR" in line), "no error in its log")

    def stop(self) -> None:
        """End it in order, and by force if it takes too long."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def worker_properties(url: str) -> dict[str, str]:
    """A worker whose source connectors write in transactions."""
    client = {"bootstrap.servers": BOOTSTRAP}
    if USERNAME:
        security = {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.jaas.config": (
                "org.apache.kafka.common.security.plain.PlainLoginModule required"
                f" username='{USERNAME}' password='{PASSWORD}';"
            ),
        }
        for owner in ("", "producer.", "consumer.", "admin."):
            client |= {owner + key: value for key, value in security.items()}
    storages = ("config", "offset", "status")
    return {
        **client,
        "group.id": f"{PREFIX}-connect",
        **{f"{kind}.storage.topic": f"{PREFIX}-connect-{kind}" for kind in storages},
        **{f"{kind}.storage.replication.factor": "1" for kind in storages},
        "offset.storage.partitions": "2",
        "status.storage.partitions": "2",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "listeners": url,
        "exactly.once.source.support": "enabled",
        "offset.flush.interval.ms": "1000",
        "session.timeout.ms": "10000",
        "scheduled.rebalance.max.delay.ms": "1000",
        "topic.creation.enable": "true",
    }


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], Any], what: str) -> None:
    """Poll a condition until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        check(time.monotonic() < deadline, f"{what}: not so after {PATIENCE} s")
        time.sleep(0.2)


def source(file: Path) -> dict[str, str]:
    """A connector that writes a file's lines to a topic that it creates."""
    return {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "1",
        "file": str(file),
        "topic": TOPIC,
        "topic.creation.default.partitions": "2",
        "topic.creation.default.replication.factor": "1",
    }


def sink(file: Path) -> dict[str, str]:
    """A connector that writes a topic's records to a file."""
    return {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "tasks.max": "1",
        "file": str(file),
        "topics": TOPIC,
        "consumer.override.isolation.level": "read_committed",
    }


def runs(worker: Worker, connector: str) -> bool:
    """Whether a connector and all its tasks run. Complains when a task failed."""
    status = worker.asked(f"/connectors/{connector}/status") or {}
    tasks = status.get("tasks", [])
    for task in tasks:
        check(task["state"] != "FAILED", task.get("trace", "").split("\n")[0])
    return bool(tasks) and all(task["state"] == "RUNNING" for task in tasks)


def lines_of(file: Path) -> list[str]:
    return sorted(file.read_text().splitlines()) if file.exists() else []


@contextlib.contextmanager
def two_workers(command: list[str], folder: Path) -> Iterator[list[Worker]]:
    """Two workers; the second follows when the first serves, and both are ended."""
    workers: list[Worker] = []
    try:
        with step("start_workers"):
            for name in ("first", "second"):
                workers.append(Worker(command, folder, name))
                until(workers[-1].is_up, f"the {name} worker serves")
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text, copy = folder / "text", folder / "copy"
        lines = [f"line {number}" for number in range(20)]
        text.write_text("".join(f"{line}\n" for line in lines))
        with two_workers(sys.argv[1:], folder) as (first, second):
            with step("file_source"):
                first.ask("PUT", "/connectors/source/config", json=source(text))
                until(lambda: runs(first, "source"), "the source runs")
            with step("file_sink") as said:
                second.ask("PUT", "/connectors/sink/config", json=sink(copy))
                until(lambda: lines_of(copy) == sorted(lines), "the sink wrote every line once")
                said(f"{len(lines)} lines")
            with step("restart_worker") as said:
                said(carry_on_without(first, second, text, copy, lines))
            with step("delete_connectors"):
                for connector in ("source", "sink"):
                    second.ask("DELETE", f"/connectors/{connector}")
                until(lambda: second.asked("/connectors") == [], "no connector is left")


def carry_on_without(
    first: Worker, second: Worker, text: Path, copy: Path, lines: list[str]
) -> str:
    """Stop the first worker; what is written then arrives all the same, and nothing twice."""
    first.stop()
    lines += [f"late line {number}" for number in range(5)]
    with text.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines[-5:]))
    until(lambda: runs(second, "source") and runs(second, "sink"), "the second worker runs all")
    until(lambda: lines_of(copy) == sorted(lines), "the late lines arrive once")
    return f"{len(lines)} lines"


if __name__ == "__main__":
    main()

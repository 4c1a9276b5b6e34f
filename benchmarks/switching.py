"""How long a switch takes, seen from the call and from the producers under it."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from paths import interlock

from sandbox.environment import Environment
from sandbox.process import wait_until

SWITCHES = 20
TOPIC = "switched"
PHYSICAL = "bench-switched"


@dataclass
class SwitchTimes:
    """Milliseconds, one value for each switch; the planned one apart."""

    fenced_ms: list[float] = field(default_factory=list)
    total_ms: list[float] = field(default_factory=list)
    first_ack_ms: list[float] = field(default_factory=list)
    planned_fenced_ms: float = 0.0
    planned_total_ms: float = 0.0


class Load:
    """One idempotent producer, and when each of its records was acknowledged."""

    def __init__(self, client: dict[str, Any]) -> None:
        self._producer = Producer({**client, "enable.idempotence": True, "linger.ms": 0})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.acknowledged: dict[bytes, float] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        sent = 0
        while not self._stop.is_set():
            self._producer.produce(TOPIC, b"%d" % sent, on_delivery=self._delivered)
            sent += 1
            self._producer.poll(0.002)
        self._producer.flush(30)

    def _delivered(self, error: object, message: Message) -> None:
        value = message.value()
        if error is None and value is not None:
            self.acknowledged[value] = time.monotonic()


def measure_switches(environment: Environment) -> SwitchTimes:
    """One planned switch with the mirror, then many without."""
    way = interlock(environment)
    token = way.properties["sasl.jaas.config"].split("password='")[1].split("'")[0]
    client = {
        "bootstrap.servers": way.bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "sa",
        "sasl.password": token,
    }
    admin = AdminClient(client)
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(20)
    load = Load(client)
    load.start()
    times = SwitchTimes()
    try:
        failover = environment.failover.bootstrap_servers
        wait_until(lambda: _size(failover) > 200, "the mirror follows", 180)
        planned = _switch(environment, "failover", "mirror")
        times.planned_fenced_ms, times.planned_total_ms = planned["fenced_ms"], planned["total_ms"]
        calls = []
        for number in range(SWITCHES):
            to = ("main", "failover")[number % 2]
            calls.append((time.monotonic(), to))
            data = _switch(environment, to, "none")
            times.fenced_ms.append(data["fenced_ms"])
            times.total_ms.append(data["total_ms"])
            time.sleep(0.5)
    finally:
        load.stop()
    holders = {
        "main": _values(environment.main.bootstrap_servers),
        "failover": _values(environment.failover.bootstrap_servers),
    }
    for called, to in calls:
        acks = (at for v, at in load.acknowledged.items() if at > called and v in holders[to])
        times.first_ack_ms.append((min(acks) - called) * 1000)
    return times


def _switch(environment: Environment, to: str, wait: str) -> dict[str, Any]:
    url = f"http://localhost:{environment.plan.ports.admin_api(0)}"
    path = f"/admin/pclusters/v1/pcluster/main/switch?to={to}&wait={wait}"
    who = ("admin", "conduktor")
    answer = httpx.post(url + path, auth=who, timeout=120)
    if answer.status_code != 200:
        raise SystemExit(f"the switch to {to} failed: {answer.text}")
    query = {"kind": "switch.completed"}
    events = httpx.get(f"{url}/api/v1/events", params=query, auth=who).json()["items"]
    data: dict[str, Any] = events[-1]["data"]
    return data


def _size(bootstrap: str) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench"})
    try:
        if PHYSICAL not in consumer.list_topics(timeout=10).topics:
            return 0
        return consumer.get_watermark_offsets(TopicPartition(PHYSICAL, 0), timeout=10)[1]
    finally:
        consumer.close()


def _values(bootstrap: str) -> set[bytes]:
    end = _size(bootstrap)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench"})
    found: set[bytes] = set()
    position = 0
    try:
        consumer.assign([TopicPartition(PHYSICAL, 0, 0)])
        while position < end:
            for message in consumer.consume(2000, timeout=2):
                value = message.value()
                if message.error() is None and value is not None:
                    found.add(value)
                    position = message.offset() + 1
    finally:
        consumer.close()
    return found

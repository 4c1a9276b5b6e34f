"""A tenant that changes and deletes: keys, configs, topics and groups, over and over.

What it was told is written down, and compared with what it finds after each switch
(`reliability/expected.py`).
"""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from confluent_kafka import (
    Consumer,
    KafkaError,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from reliability.asking import (
    PATIENCE_S,
    configs_of,
    done,
    read_all,
    set_config,
    text,
    topics_and_groups,
)
from reliability.expected import (
    Attempt,
    Noticed,
    Surprise,
    noticed_configs,
    noticed_keys,
    noticed_records,
    noticed_returns,
)
from reliability.writers import BURST, CODECS

PARTITIONS = 2
_KEYS, _ANEW, _TUNED = "churn-keys", "churn-anew", "churn-tuned"
_CLEANED_AT_ONCE = {
    "cleanup.policy": "compact",
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "0",
}
_NAMES = 100
"""Keys in use: each is written about every four seconds."""
_TOMBSTONES = 0.3
"""Of all writes of keys."""
_WRITE_EVERY_S = 0.2
_TUNE_EVERY_S = 1.0
_AT_FIRST, _LATER = 20, 40
"""Records of a topic that was made anew, before a switch and after it. Fewer than it had before:
one that outgrows its old end unnoticed is a hole (ADR 22)."""
_TUNES: tuple[tuple[str, str | None], ...] = (
    ("retention.ms", "86400000"),
    ("max.message.bytes", "2000000"),
    ("segment.ms", "600000"),
    ("retention.ms", "172800000"),
    ("min.insync.replicas", "1"),
    ("segment.ms", None),
    ("max.message.bytes", "1500000"),
    ("cleanup.policy", "compact,delete"),
    ("retention.bytes", "1000000000"),
    ("retention.ms", None),
    ("cleanup.policy", "delete"),
    ("max.message.bytes", None),
    ("cleanup.policy", None),
    ("retention.bytes", None),
)
"""Configs that are set in turn; None: taken back."""


@dataclass(frozen=True)
class Churned:
    """All that the tenant did and saw."""

    noticed: list[Noticed]
    keys_written: int
    tombstones: int
    records_left: int
    """Of the compacted topic, when it was read for the last time."""
    configs_set: int
    made_anew: int
    deleted: int
    """Topics, each with a group."""
    looks: int


class Churn:
    """Churns from when it is entered until it is left."""

    def __init__(self, clients: list[dict[str, Any]]) -> None:
        """Make its topics.

        Args:
            clients: librdkafka's settings of a client of each gateway.
        """
        self.errors: list[str] = []
        """What the application was told of."""
        self.noticed: list[Noticed] = []
        self._clients = [{**client, "error_cb": self._failed} for client in clients]
        self._turn = itertools.cycle(self._clients)
        self._admin = AdminClient(self._clients[0])
        self._keys: list[Attempt] = []
        self._configs: list[Attempt] = []
        self._anew: list[Attempt] = []
        self._made = self._looks = self._records_left = 0
        self._leaving: str | None = None
        self._gone: list[str] = []
        self._stop = threading.Event()
        self._keys_rest, self._configs_rest = threading.Lock(), threading.Lock()
        self._threads = [
            threading.Thread(target=self._safely, args=(work,), name=work.__name__)
            for work in (self._write_keys, self._tune)
        ]
        self._create(_KEYS, _CLEANED_AT_ONCE)
        self._create(_TUNED)
        self._make_anew()
        self._let_one_come()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def between(self) -> None:
        """What is done between two switches."""
        self._safely(self._let_one_go)
        self._safely(self._make_anew)
        self._safely(self._let_one_come)

    def look(self) -> None:
        """Compare what is found with what was told; what was made anew grows afterwards."""
        self._safely(self._look)
        self._safely(partial(self._send_anew, _LATER))

    def churned(self) -> Churned:
        """What came of it all."""
        return Churned(
            noticed=self.noticed,
            keys_written=len(self._keys),
            tombstones=sum(attempt.value is None for attempt in self._keys),
            records_left=self._records_left,
            configs_set=len(self._configs),
            made_anew=self._made - 1,
            deleted=len(self._gone),
            looks=self._looks,
        )

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever reaches the application counts
            self.errors.append(repr(error))

    def _failed(self, error: KafkaError) -> None:
        self.errors.append(str(error))

    def _write_keys(self) -> None:
        chance = random.Random(1)  # noqa: S311 - repeatable, not secret
        with ExitStack() as ends:
            producers = [ends.enter_context(self._producer(codec)) for codec in CODECS]
            turns = itertools.cycle(producers)
            while not self._stop.wait(_WRITE_EVERY_S):
                with self._keys_rest:
                    for _ in range(BURST):
                        key = f"k{chance.randrange(_NAMES)}"
                        gone = chance.random() < _TOMBSTONES
                        value = None if gone else f"{key} {len(self._keys)}"
                        self._keys.append(Attempt(key, value))
                    self._send(next(turns), _KEYS, self._keys[-BURST:])

    def _tune(self) -> None:
        for config, value in itertools.cycle(_TUNES):
            if self._stop.wait(_TUNE_EVERY_S):
                return
            with self._configs_rest:
                attempt = Attempt(config, value)
                self._configs.append(attempt)
                set_config(self._admin, _TUNED, config, value)
                attempt.acknowledged = True

    def _make_anew(self) -> None:
        if self._made:
            done(self._admin.delete_topics([_ANEW], operation_timeout=30))
        self._create(_ANEW)
        self._made += 1
        self._anew.clear()
        self._send_anew(_AT_FIRST)

    def _send_anew(self, count: int) -> None:
        sent = len(self._anew)
        for number in range(sent, sent + count):
            value = f"as made for the {self._made}. time: {number}"
            self._anew.append(Attempt(str(number % PARTITIONS), value))
        with self._producer(CODECS[self._made % len(CODECS)]) as producer:
            self._send(producer, _ANEW, self._anew[sent:])

    def _let_one_come(self) -> None:
        """A topic, and a group that has a position in a topic which stays."""
        name = f"churn-leaving-{self._made}"
        self._create(name)
        with self._producer(CODECS[0]) as producer:
            self._send(producer, name, [Attempt("0", f"{n}") for n in range(BURST)])
        positions = [TopicPartition(topic, 0, 1) for topic in (_KEYS, name)]
        settings = {**next(self._turn), "group.id": name, "enable.auto.commit": False}
        with closing(Consumer(settings)) as member:
            member.commit(offsets=positions, asynchronous=False)
        self._leaving = name

    def _let_one_go(self) -> None:
        """The one that came before the last switch, and has been over it."""
        if (name := self._leaving) is not None:
            done(self._admin.delete_consumer_groups([name]))
            done(self._admin.delete_topics([name], operation_timeout=30))
            self._gone.append(name)
            self._leaving = None

    def _look(self) -> None:
        self._looks += 1
        client = next(self._turn)
        with self._keys_rest, self._configs_rest:
            self.noticed += self._confirmed(lambda: noticed_keys(self._keys, self._read_keys()))
            found = configs_of(AdminClient(client), _TUNED)
            self.noticed += noticed_configs(self._configs, found)
        values = [text(message.value()) for message in read_all(client, _ANEW)]
        self.noticed += noticed_records(self._anew, values)
        topics, groups = topics_and_groups(AdminClient(client))
        self.noticed += noticed_returns(Surprise.TOPIC_RISEN, self._gone, topics)
        self.noticed += noticed_returns(Surprise.GROUP_RISEN, self._gone, groups)

    @staticmethod
    def _confirmed(look: Callable[[], Iterator[Noticed]]) -> list[Noticed]:
        """What is noticed twice in a row, if anything is.

        Where tombstones go at once, a reader on its way may pass a value that is cleaned away
        behind it, and come too late for the tombstone: on a cluster of its own as well.
        """
        first = set(look())
        return [noticed for noticed in look() if noticed in first] if first else []

    def _read_keys(self) -> dict[str, str]:
        last: dict[str, str | None] = {}
        self._records_left = 0
        for message in read_all(next(self._turn), _KEYS):
            self._records_left += 1
            value = message.value()
            last[text(message.key())] = None if value is None else text(value)
        return {key: value for key, value in last.items() if value is not None}

    def _create(self, topic: str, configs: dict[str, str] | None = None) -> None:
        wanted = NewTopic(topic, PARTITIONS, 1, config=configs or {})
        done(self._admin.create_topics([wanted]))

    @contextmanager
    def _producer(self, codec: str) -> Iterator[Producer]:
        settings = {"enable.idempotence": True, "linger.ms": 0, "compression.type": codec}
        producer = Producer({**next(self._turn), **settings})
        yield producer
        producer.flush(PATIENCE_S)

    def _send(self, producer: Producer, topic: str, attempts: list[Attempt]) -> None:
        """Send, and wait until each has an outcome."""
        for attempt in attempts:
            keyed = topic == _KEYS
            producer.produce(
                topic,
                attempt.value,
                attempt.name if keyed else None,
                partition=(int(attempt.name[1:]) if keyed else int(attempt.name)) % PARTITIONS,
                on_delivery=partial(self._delivered, attempt),
            )
        if left := producer.flush(PATIENCE_S):
            self.errors.append(f"{left} records of {topic} have no outcome")

    def _delivered(self, attempt: Attempt, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self.errors.append(f"{attempt}: {error}")
        else:
            attempt.acknowledged = True

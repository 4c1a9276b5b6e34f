"""Microseconds per frame of the frame programs: `python benchmarks/wire.py`.

The last column is how much longer kio takes to decode and encode the same message, which is what a
program saves, in the same run on the same machine.
"""

import io
import timeit
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from kio.serial import entity_reader, entity_writer

from dataplane.virtual.messages import blank, element_of
from dataplane.virtual.programs import request_program, response_program
from dataplane.virtual.view import Listener, View
from dataplane.wire.header import request_is_tagged, response_is_tagged
from dataplane.wire.schema import Direction, api_name, entity_of

VIEW = View(
    vcluster="teamA",
    cluster_id="virtual",
    listeners=tuple(Listener("localhost", 6969 + slot) for slot in range(3)),
    brokers=(1, 2, 3),
    cluster_index=0,
)
PRODUCE, FETCH, METADATA = 0, 1, 3
RECORDS = bytes(200)


class Case(NamedTuple):
    """One message to measure."""

    label: str
    api_key: int
    version: int
    direction: Direction
    body: Any


def main() -> None:
    """Measure and print."""
    print(f"{'message':46} {'bytes':>7} {'us':>8} {'kio us':>8} {'ratio':>6}")
    for case in cases():
        frame = framed(case)
        program = microseconds(run_of(case, frame))
        codec = microseconds(codec_of(case, frame))
        name = f"{api_name(case.api_key)} v{case.version} {case.direction} {case.label}"
        print(f"{name:46} {len(frame):7} {program:8.2f} {codec:8.1f} {codec / program:6.1f}")


def cases() -> Iterator[Case]:
    """The messages that the hot path is made of, and the heaviest of the others."""
    for version in range(3, 13):
        yield Case("", PRODUCE, version, "request", produce_request(version))
    for version in range(3, 13):
        yield Case("", PRODUCE, version, "response", produce_response(version))
    for partitions in (1, 50):
        label = f"{partitions} partitions"
        yield Case(label, FETCH, 12, "request", fetch_request(partitions))
        yield Case(label, FETCH, 12, "response", fetch_response(partitions))
    yield Case("100 topics", METADATA, 9, "response", metadata_response(100))


def produce_request(version: int) -> Any:
    """One batch of 200 bytes for one topic."""
    entity = entity_of(PRODUCE, version, "request")
    topic = element_of(entity, "topic_data")
    partition = blank(element_of(topic, "partition_data"), index=0, records=RECORDS)
    return blank(
        entity, acks=-1, topic_data=(blank(topic, name="users", partition_data=(partition,)),)
    )


def produce_response(version: int) -> Any:
    """The acknowledgement of that batch."""
    entity = entity_of(PRODUCE, version, "response")
    topic = element_of(entity, "responses")
    partition = blank(element_of(topic, "partition_responses"), index=0, base_offset=5)
    return blank(
        entity, responses=(blank(topic, name="teamAusers", partition_responses=(partition,)),)
    )


def fetch_request(partitions: int) -> Any:
    """A consumer's poll, as it is when no leader epoch was ever shown."""
    entity = entity_of(FETCH, 12, "request")
    topic = element_of(entity, "topics")
    rows = tuple(
        blank(element_of(topic, "partitions"), partition=number, fetch_offset=100)
        for number in range(partitions)
    )
    return blank(
        entity,
        max_wait=timedelta(milliseconds=500),
        session_id=0,
        session_epoch=0,
        topics=(blank(topic, topic="users", partitions=rows),),
    )


def fetch_response(partitions: int) -> Any:
    """200 bytes of records for each partition."""
    entity = entity_of(FETCH, 12, "response")
    topic = element_of(entity, "responses")
    rows = tuple(
        blank(element_of(topic, "partitions"), partition_index=number, records=RECORDS)
        for number in range(partitions)
    )
    return blank(entity, responses=(blank(topic, topic="teamAusers", partitions=rows),))


def metadata_response(topics: int) -> Any:
    """Topics of three partitions with three replicas each, all of them ours."""
    entity = entity_of(METADATA, 9, "response")
    broker, topic = element_of(entity, "brokers"), element_of(entity, "topics")
    partitions = tuple(
        blank(
            element_of(topic, "partitions"),
            partition_index=number,
            leader_id=number + 1,
            leader_epoch=4,
            replica_nodes=(1, 2, 3),
            isr_nodes=(1, 2, 3),
        )
        for number in range(3)
    )
    return blank(
        entity,
        brokers=tuple(blank(broker, node_id=n, host="kafka", port=9092) for n in (1, 2, 3)),
        cluster_id="physical",
        controller_id=1,
        topics=tuple(blank(topic, name=f"teamAt{n}", partitions=partitions) for n in range(topics)),
    )


def framed(case: Case) -> bytes:
    """The message with its header, as it comes from a socket."""
    written = io.BytesIO()
    if case.direction == "request":
        written.write(case.api_key.to_bytes(2) + case.version.to_bytes(2))
        written.write(b"\0\0\0\1" + b"\0\x0aproducer-1")
        written.write(b"\0" * request_is_tagged(case.api_key, case.version))
    else:
        written.write(b"\0\0\0\1" + b"\0" * response_is_tagged(case.api_key, case.version))
    entity_writer(type(case.body))(written, case.body)
    return written.getvalue()


def run_of(case: Case, frame: bytes) -> Callable[[], Any]:
    """One run of the message's program."""
    if case.direction == "request":
        request = request_program(case.api_key, case.version)
        return lambda: request(frame, VIEW)
    response = response_program(case.api_key, case.version)
    return lambda: response(frame, VIEW, None)


def codec_of(case: Case, frame: bytes) -> Callable[[], Any]:
    """One decoding and encoding with kio, of the body alone."""
    reader, writer = entity_reader(type(case.body)), entity_writer(type(case.body))
    encoded = io.BytesIO()
    writer(encoded, case.body)
    at = len(frame) - len(encoded.getvalue())

    def codec() -> None:
        body, _ = reader(frame, at)
        writer(io.BytesIO(), body)

    return codec


def microseconds(run: Callable[[], Any]) -> float:
    """The best of several rounds, per call."""
    once = timeit.timeit(run, number=10) / 10
    number = max(10, int(0.05 / once))
    return min(timeit.repeat(run, number=number, repeat=5)) / number * 1e6


if __name__ == "__main__":
    main()

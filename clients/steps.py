"""The steps that client programs report, in the order of the page, and what became of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

CLIENT_STEPS: Final[Mapping[str, str]] = {
    "create_topic": "create a topic of 4 partitions",
    "produce_acks_1": "produce, acks=1",
    "produce_acks_all": "produce, acks=all",
    "produce_acks_0": "produce, acks=0",
    "produce_idempotent": "produce, idempotent",
    "produce_transactional": "produce in transactions, one aborted, one committed",
    "produce_none": "produce, not compressed",
    "produce_gzip": "produce, gzip",
    "produce_snappy": "produce, snappy",
    "produce_lz4": "produce, lz4",
    "produce_zstd": "produce, zstd",
    "consume": "consume in a group: exactly what was produced",
    "commit": "commit, and read the commits back",
    "rebalance_join": "a second member joins: half the partitions each",
    "describe_group": "describe the group with its two members",
    "rebalance_leave": "the second member leaves: all partitions to the first",
    "seek": "seek back and read again",
    "list_topics": "list topics",
    "describe_topic": "describe the topic",
    "list_groups": "list groups",
    "list_group_offsets": "list the group's offsets",
    "delete_group": "delete the group",
    "delete_topic": "delete the topic",
}
"""What every client library does. Of the produces, acks=0 follows the others: a broker that does
not lead a new partition yet drops its records, and nobody is told."""

STREAMS_STEPS: Final[Mapping[str, str]] = {
    "create_topics": "create the topics of text and of counts",
    "count_words": "count words: repartition, state store, changelog",
    "count_exactly_once": "count on with exactly_once_v2",
    "restore": "restart with an empty state directory: counts go on from the changelog",
    "clean_up": "delete what the application left",
}
"""What Kafka Streams does."""

CONNECT_STEPS: Final[Mapping[str, str]] = {
    "start_workers": "two workers in distributed mode form a group",
    "file_source": "a file source writes a topic",
    "file_sink": "a file sink writes the same lines to a file",
    "restart_worker": "a worker stops, the other takes its tasks over",
    "delete_connectors": "delete the connectors",
}
"""What Kafka Connect does."""


class Result(StrEnum):
    """How a step ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcome(msgspec.Struct, frozen=True):
    """One line of a client program."""

    step: str
    result: Result
    detail: str = ""
    """What was found; of a failed step the error; of a skipped one the reason."""


@dataclass(frozen=True)
class Record:
    """Everything that a client did."""

    outcomes: Mapping[str, Outcome]
    seconds: float

    @property
    def failures(self) -> list[Outcome]:
        """The steps that failed."""
        return [one for one in self.outcomes.values() if one.result is Result.FAILED]


def read_outcomes(printed: str, steps: Iterable[str], last_words: str) -> dict[str, Outcome]:
    """The outcome of every step, from what a program printed.

    A step that was not reported failed with the program's last words.
    """
    decoder = msgspec.json.Decoder(Outcome)
    lines = [line for line in printed.splitlines() if line.startswith('{"step"')]
    told = {outcome.step: outcome for outcome in map(decoder.decode, lines)}
    unknown = told.keys() - set(steps)
    if unknown:
        raise ValueError(f"unknown steps: {', '.join(sorted(unknown))}")
    silent = f"the program ended before it: {last_words}"
    return {step: told.get(step) or Outcome(step, Result.FAILED, silent) for step in steps}

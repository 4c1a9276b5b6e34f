"""Configs of topics: which of them a target has to be given, and what follows where it is not."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from contract.mirror import Direction

TIMESTAMP_TYPE: Final = "message.timestamp.type"
_CREATE_TIME: Final = "CreateTime"
_IN_SYNC: Final = "min.insync.replicas"
_OLDEST: Final = "message.timestamp.before.max.ms"
CONSEQUENCES: Final[Mapping[str, str]] = {
    "retention.ms": "records would be deleted at another age",
    "retention.bytes": "records would be deleted at another size",
    "cleanup.policy": "records would be deleted or compacted that are kept now, or the reverse",
    _IN_SYNC: "writes would be acknowledged with fewer copies, or refused",
    "unclean.leader.election.enable": "acknowledged records could be lost, or partitions stay down",
    "max.message.bytes": "records would be refused that are taken now, or the reverse",
    TIMESTAMP_TYPE: "records would get other timestamps",
}
"""Configs by which data can be lost, and how."""
_OF_THE_CLUSTER: Final = frozenset(
    {"leader.replication.throttled.replicas", "follower.replication.throttled.replicas"}
)
"""They name brokers."""


class Config(NamedTuple):
    """One config of a topic, as a cluster has it."""

    value: str | None
    own: bool
    """Whether it was set for this topic; else it is the cluster's default."""
    default: str | None
    """What it is, or would be, if it was not; None if that is not told while it is."""


class TopicState(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as one cluster has it."""

    partitions: int
    replicas: int
    """The fewest that one of its partitions has."""
    configs: Mapping[str, Config]
    """Empty if they could not be read."""

    @property
    def is_compacted(self) -> bool:
        """Whether the last value of each key is kept."""
        return "compact" in self._policies

    @property
    def is_compacted_alone(self) -> bool:
        """Whether nothing else ever deletes a record: the broker lets nobody do it."""
        return self._policies == {"compact"}

    @property
    def _policies(self) -> set[str]:
        policy = self.configs.get("cleanup.policy")
        return {part.strip() for part in (policy.value or "").split(",")} if policy else set()


class Both(NamedTuple):
    """A topic that two clusters have."""

    topic: str
    """Its physical name."""
    ours: TopicState
    """On the source."""
    theirs: TopicState
    """On the target."""


class Change(NamedTuple):
    """A config that a target has to be given."""

    topic: str
    config: str
    value: str | None
    """None: the cluster's default."""

    @property
    def name(self) -> str:
        """`TOPIC:CONFIG`."""
        return f"{self.topic}:{self.config}"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a topic that is not alike on both clusters, and stays so."""

    name: str
    """What to waive: `TOPIC:CONFIG`, a topic, or a partition (`topic-n`)."""
    detail: str
    """What it is, what follows, what to do."""
    harmless: bool = False
    """Whether a switch may go on all the same."""


def opened_for_deletion(topics: Iterable[str]) -> Iterator[Change]:
    """With these configs a broker deletes records of compacted topics for whoever asks for it.

    And none by itself, until the topics are given their own again.
    """
    for topic in topics:
        yield Change(topic, "retention.ms", "-1")
        yield Change(topic, "retention.bytes", "-1")
        yield Change(topic, "cleanup.policy", "compact,delete")


def changes(both: Both, *, serving: bool) -> Iterator[Change]:
    """What makes a topic on a target what it is on the source, as far as the target can take it.

    Where both have a value that nobody set for the topic, only those by which data can be lost
    are carried over: the rest is each cluster's own business.

    Args:
        both: the topic.
        serving: whether the target is about to serve. Before, the mirror writes there, and has to
            be able to give records the timestamps that they have.
    """
    for config, wanted in _wanted(both.ours, both.theirs, serving=serving):
        if config in both.theirs.configs and not _stops_writes(config, wanted, both):
            yield Change(both.topic, config, wanted)


def differences(
    between: Direction, both: Both, refused: Mapping[str, str], *, serving: bool
) -> Iterator[Difference]:
    """What is not alike, of which nothing can be carried over (any more).

    Args:
        between: names of source and target.
        both: the topic, after changes were made.
        refused: what the target did not take, as `TOPIC:CONFIG`, and why.
        serving: as in `changes`.
    """
    if both.ours.partitions != both.theirs.partitions:
        yield _partitions(between, both)
    for config, wanted in _wanted(both.ours, both.theirs, serving=serving):
        yield _config(between, both, config, wanted, refused.get(f"{both.topic}:{config}"))


def _partitions(between: Direction, both: Both) -> Difference:
    topic, ours, theirs = both.topic, both.ours.partitions, both.theirs.partitions
    advice = "add the missing ones there"
    if ours < theirs:
        advice = (
            "it was made anew with fewer: delete it there, and have the mirror copy it from its"
            " beginning"
        )
    return Difference(
        name=topic,
        detail=f"topic {topic} has {ours} partitions, on {between.target} {theirs}: keys would"
        f" move to other partitions; {advice}",
    )


def _config(
    between: Direction, both: Both, config: str, wanted: str | None, refusal: str | None
) -> Difference:
    topic, target, there = both.topic, between.target, both.theirs.configs.get(config)
    shown = wanted if wanted is not None else "the default"
    value = f"{there.value}" if there is not None else "not known"
    why = f"; {target} refuses it: {refusal}" if refusal is not None else ""
    if _stops_writes(config, wanted, both):
        why = f"; that is more than the {both.theirs.replicas} replicas that it has there"
    consequence = CONSEQUENCES.get(config)
    follows = f": {consequence}" if consequence is not None else ""
    return Difference(
        name=f"{topic}:{config}",
        detail=f"topic {topic} is to have {config}={shown} on {target}, where it is {value}{why}"
        f"{follows}",
        harmless=consequence is None,
    )


def _wanted(
    ours: TopicState, theirs: TopicState, *, serving: bool
) -> Iterator[tuple[str, str | None]]:
    if not ours.configs or not theirs.configs:
        return
    for config in sorted((ours.configs.keys() | theirs.configs.keys()) - _OF_THE_CLUSTER):
        here, there = ours.configs.get(config), theirs.configs.get(config)
        wanted = _value(config, here, there, serving=serving)
        if wanted is None:
            if there is not None and there.own:
                yield config, None
        elif there is None or not there.own or there.value != wanted:
            yield config, wanted


def _value(config: str, here: Config | None, there: Config | None, *, serving: bool) -> str | None:
    """What the target's topic has to be given for its own; None: nothing."""
    default = there.default if there is not None else None
    if not serving and config == TIMESTAMP_TYPE and here is not None and here.value != _CREATE_TIME:
        return None if default == _CREATE_TIME else _CREATE_TIME
    if here is None or (not serving and config == _OLDEST):
        # The mirror brings records later than they were written.
        return None
    differs = default is not None and default != here.value
    return here.value if here.own or (config in CONSEQUENCES and differs) else None


def _stops_writes(config: str, wanted: str | None, both: Both) -> bool:
    """Whether no write that wants all copies would be acknowledged on the target any more."""
    if config != _IN_SYNC or wanted is None:
        return False
    return both.theirs.replicas < int(wanted) <= both.ours.replicas

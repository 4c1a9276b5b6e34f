"""What a virtual cluster's clients may do: rules for its topics, limits for its accounts.

Both planes use the same judgement: the control plane when a rule is set (its default must be a
value that it allows), the nodes when a client asks for a topic.

A release that does not know a rule cannot enforce it, so unknown fields make a record unreadable,
which stops a node (rule N8), and an API body wrong.
"""

import re
from collections.abc import Iterator
from math import inf

import msgspec

from contract.patterns import PatternError, require_usable


class _Rule(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    pass


class NumberRule(_Rule, frozen=True, kw_only=True):
    """How many partitions, or replicas, a topic may have."""

    default: int
    """What a topic gets that leaves the number open (-1)."""
    min: int | None = None
    max: int | None = None

    def allows(self, value: int) -> bool:
        """Whether a topic may have so many."""
        return (self.min or 0) <= value <= (self.max if self.max is not None else inf)

    def allowed_words(self) -> str:
        """What is allowed, for whoever asked for something else."""
        return _range_words(self.min, self.max)


class ConfigRule(_Rule, frozen=True, kw_only=True):
    """What a topic's config may be. `forced` stands alone; the others go together."""

    forced: str | None = None
    """The value of every topic, whatever the client says."""
    default: str | None = None
    """The value of a topic that does not set it."""
    min: int | None = None
    max: int | None = None
    """A negative value means without limit, as Kafka has it for retention: more than any number."""
    allowed: tuple[str, ...] = ()
    """The values that it may have. Of a list (`compact,delete`) the order does not matter."""

    @property
    def limits(self) -> bool:
        """Whether there are values that are not allowed."""
        return self.min is not None or self.max is not None or bool(self.allowed)

    def allows(self, value: str) -> bool:
        """Whether a topic may have this value."""
        if self.allowed and _as_set(value) not in {_as_set(each) for each in self.allowed}:
            return False
        if self.min is None and self.max is None:
            return True
        try:
            number = float(value)
        except ValueError:
            return False
        size = inf if number < 0 else number
        return (self.min or 0) <= size <= (self.max if self.max is not None else inf)

    def allowed_words(self) -> str:
        """What is allowed, for whoever asked for something else."""
        words = [" or ".join(self.allowed)] if self.allowed else []
        if self.min is not None or self.max is not None:
            words.append(_range_words(self.min, self.max))
        return ", and ".join(words)


class TopicRules(_Rule, frozen=True, kw_only=True):
    """What topics a virtual cluster may have."""

    name_pattern: str | None = None
    """A regular expression that a new topic's whole name must match, as RE2 has them. One that was
    set before RE2 was used, and that it does not take, allows no name."""
    partitions: NumberRule | None = None
    replication_factor: NumberRule | None = None
    configs: dict[str, ConfigRule] = {}
    """By name of a topic config, as `retention.ms`."""
    max_topics: int | None = None
    max_partitions: int | None = None
    """Of all topics together."""


class Limits(_Rule, frozen=True, kw_only=True):
    """What one account may use, on each node. None: as much as it can."""

    connections: int | None = None
    produce_bytes_per_second: int | None = None
    fetch_bytes_per_second: int | None = None

    def over(self, defaults: "Limits") -> "Limits":
        """These limits, with the defaults where they say nothing."""
        given = {k: v for k, v in msgspec.structs.asdict(self).items() if v is not None}
        return msgspec.structs.replace(defaults, **given)


class Policy(_Rule, frozen=True, kw_only=True):
    """Everything that is laid down for a virtual cluster."""

    topics: TopicRules = msgspec.field(default_factory=TopicRules)
    account_limits: Limits = Limits()
    """Of every account that has none of its own."""


def mistakes(policy: Policy) -> Iterator[str]:
    """What makes no sense in a policy, each in a sentence."""
    rules = policy.topics
    yield from _pattern_mistakes(rules.name_pattern)
    for name, rule in (
        ("partitions", rules.partitions),
        ("replicationFactor", rules.replication_factor),
    ):
        if rule is not None:
            yield from _number_mistakes(name, rule)
    for config, config_rule in rules.configs.items():
        if re.fullmatch(r"[a-z][a-z0-9.]*", config) is None:
            yield f"configs: {config!r} is no name of a topic config"
        yield from _config_mistakes(f"configs.{config}", config_rule)
    for name, most in (("maxTopics", rules.max_topics), ("maxPartitions", rules.max_partitions)):
        if most is not None and most < 0:
            yield f"{name} is {most}: use 0 or more"
    yield from limit_mistakes(policy.account_limits)


def limit_mistakes(limits: Limits) -> Iterator[str]:
    """What makes no sense in an account's limits."""
    for name, value in msgspec.to_builtins(limits).items():
        if value < 1:
            yield f"{name} is {value}: use 1 or more, or leave it out for no limit"


def _pattern_mistakes(pattern: str | None) -> Iterator[str]:
    if pattern is None:
        return
    try:
        require_usable(pattern)
    except PatternError as error:
        yield f"namePattern {pattern!r} {error}"


def _number_mistakes(name: str, rule: NumberRule) -> Iterator[str]:
    if rule.default < 1 or not rule.allows(rule.default):
        least = NumberRule(default=1, min=max(1, rule.min or 1), max=rule.max)
        yield (
            f"{name}: the default {rule.default} is not allowed; it must be {least.allowed_words()}"
        )


def _config_mistakes(name: str, rule: ConfigRule) -> Iterator[str]:
    if rule.forced is not None:
        if rule.limits or rule.default is not None:
            yield f"{name}: forced stands alone: leave out default, min, max and allowed"
        return
    if rule.default is None:
        yield f"{name}: give a default, or topics that do not set it get the cluster's"
    elif not rule.allows(rule.default):
        yield (
            f"{name}: the default {rule.default} is not allowed; it must be {rule.allowed_words()}"
        )


def _range_words(low: int | None, high: int | None) -> str:
    if low is None or high is None:
        return f"at least {low}" if high is None else f"at most {high}"
    return f"{low}" if low == high else f"{low} to {high}"


def _as_set(value: str) -> frozenset[str]:
    return frozenset(part.strip() for part in value.split(","))

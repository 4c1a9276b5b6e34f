"""Topics against the rules of their virtual cluster: what is filled in, and what is refused.

A refusal names the rule, the value and what is allowed: it is read by whoever ran the command.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from contract.names import TOPIC_NAME_LIMIT
from contract.patterns import PatternError, matches
from contract.policy import TopicRules
from dataplane.virtual.census import Census
from dataplane.virtual.messages import element_of
from dataplane.virtual.refusals import Refusal
from dataplane.virtual.rights import Rights

INVALID_TOPIC_EXCEPTION: Final = 17
TOPIC_ALREADY_EXISTS: Final = 36
POLICY_VIOLATION: Final = 44

OPEN: Final = -1
"""How a client leaves a number to the cluster."""

SET: Final = 0
DELETE: Final = 1
"""Operations of IncrementalAlterConfigs; the others add to a list or take from it."""

_LEGAL: Final = re.compile(r"[a-zA-Z0-9._-]+")


def new_topic(topic: Any, rights: Rights, census: Census) -> Any | Refusal:
    """A topic of CreateTopics, filled in where the client left it open, or why it is refused."""
    rules = rights.rules
    if fault := _name_fault(topic.name, rights):
        return fault
    filled = _with_numbers(topic, rules)
    partitions = len(filled.assignments) or filled.num_partitions
    replicas = {len(a.broker_ids) for a in filled.assignments} or {filled.replication_factor}
    configs = _configs(filled, rules)
    faults = [
        _number_fault("partitions", rules.partitions, partitions),
        *(_number_fault("replication factor", rules.replication_factor, n) for n in replicas),
        _room_fault(topic.name, max(partitions, 1), rights, census),
        *_config_faults({c.name: c.value for c in configs}, rules),
    ]
    fault = next((f for f in faults if f is not None), None)
    # There may be thousands, of which most stay as they are.
    return fault or (filled if configs == filled.configs else replace(filled, configs=configs))


def grown_topic(topic: Any, rights: Rights, census: Census) -> Any | Refusal:
    """A topic of CreatePartitions, or why it is refused."""
    if topic.name in rights.aliases:
        return not_owned(topic.name)
    return (
        _number_fault("partitions", rights.rules.partitions, topic.count)
        or _room_fault(topic.name, topic.count, rights, census)
        or topic
    )


def altered_configs(resource: Any, rules: TopicRules) -> Any | Refusal:
    """A topic of AlterConfigs, which sets the configs that it names and resets all others."""
    configs = _configs(resource, rules)
    faults = _config_faults({c.name: c.value for c in configs}, rules)
    return next(faults, replace(resource, configs=configs))


def adjusted_configs(resource: Any, rules: TopicRules) -> Any | Refusal:
    """A topic of IncrementalAlterConfigs."""
    configs = tuple(_adjusted(config, rules) for config in resource.configs)
    fault = next((c for c in configs if isinstance(c, Refusal)), None)
    return fault or replace(resource, configs=configs)


def not_owned(name: str) -> Refusal:
    """An alias is for reading and writing records; the topic behind it belongs to somebody else."""
    return Refusal(29, f"topic {name} is an alias: only who owns the topic behind it may change it")


def _name_fault(name: str, rights: Rights) -> Refusal | None:
    longest = TOPIC_NAME_LIMIT - len(rights.vcluster)
    if not name:
        return Refusal(INVALID_TOPIC_EXCEPTION, "a topic's name must not be empty")
    if len(name) > longest:
        return Refusal(
            INVALID_TOPIC_EXCEPTION,
            f"a topic's name of {len(name)} characters is too long: use up to {longest}",
        )
    if _LEGAL.fullmatch(name) is None or name in {".", ".."}:
        return Refusal(
            INVALID_TOPIC_EXCEPTION,
            f"topic name {name!r} is not allowed: use the characters a-z A-Z 0-9 . _ -",
        )
    if name in rights.aliases:
        return Refusal(TOPIC_ALREADY_EXISTS, f"topic {name} exists already, as an alias")
    return _pattern_fault(name, rights.rules.name_pattern)


def _pattern_fault(name: str, pattern: str | None) -> Refusal | None:
    if pattern is None:
        return None
    try:
        if matches(pattern, name):
            return None
    except PatternError as error:
        # Set before such patterns were refused. What cannot be judged is not allowed.
        return Refusal(
            POLICY_VIOLATION,
            f"topic name {name} is not allowed: the policy's namePattern {pattern} {error}; ask the"
            " gateway's administrator to set another one",
        )
    return Refusal(
        POLICY_VIOLATION,
        f"topic name {name} is not allowed: the policy wants names that match {pattern}",
    )


def _with_numbers(topic: Any, rules: TopicRules) -> Any:
    if topic.assignments:
        return topic
    changes = {}
    if topic.num_partitions == OPEN and rules.partitions is not None:
        changes["num_partitions"] = rules.partitions.default
    if topic.replication_factor == OPEN and rules.replication_factor is not None:
        changes["replication_factor"] = rules.replication_factor.default
    return replace(topic, **changes) if changes else topic


def _number_fault(name: str, rule: Any, value: int) -> Refusal | None:
    # A number below 1 is no number of partitions at all: Kafka has its own errors for it.
    if rule is None or value < 1 or rule.allows(value):
        return None
    allowed = rule.allowed_words()
    return Refusal(POLICY_VIOLATION, f"{name} {value} is not allowed: the policy wants {allowed}")


def _room_fault(name: str, partitions: int, rights: Rights, census: Census) -> Refusal | None:
    rules = rights.rules
    if not rights.counts_topics:
        return None
    before = census.partitions_of(name)
    topics = census.topics() + (before is None)
    total = census.partitions() - (before or 0) + partitions
    for what, count, most in (
        ("topics", topics, rules.max_topics),
        ("partitions", total, rules.max_partitions),
    ):
        if most is not None and count > most:
            return Refusal(
                POLICY_VIOLATION,
                f"topic {name} would make {count} {what}: the policy allows {most} in all",
            )
    census.expect(name, partitions)
    return None


def _configs(holder: Any, rules: TopicRules) -> tuple[Any, ...]:
    """All configs of a topic: the client's, those that are forced, and the defaults."""
    if not rules.configs:
        return tuple(holder.configs)
    element = element_of(type(holder), "configs")
    kept = [c for c in holder.configs if _forced(c.name, rules) is None]
    given = {c.name for c in kept if c.value is not None}
    added = [
        element(name=name, value=rule.forced or rule.default)
        for name, rule in rules.configs.items()
        if name not in given and (rule.forced or rule.default) is not None
    ]
    taken = {c.name for c in added}
    return (*(c for c in kept if c.name not in taken), *added)


def _forced(config: str, rules: TopicRules) -> str | None:
    rule = rules.configs.get(config)
    return rule.forced if rule is not None else None


def _config_faults(values: dict[str, str | None], rules: TopicRules) -> Iterator[Refusal]:
    for name, rule in rules.configs.items():
        value = values.get(name)
        if rule.limits and value is not None and not rule.allows(value):
            yield _config_fault(name, value, rule.allowed_words())


def _config_fault(name: str, value: str, allowed: str) -> Refusal:
    return Refusal(POLICY_VIOLATION, f"{name} = {value} is not allowed: the policy wants {allowed}")


def _adjusted(config: Any, rules: TopicRules) -> Any | Refusal:
    rule = rules.configs.get(config.name)
    if rule is None:
        return config
    if rule.forced is not None:
        return replace(config, config_operation=SET, value=rule.forced)
    if config.config_operation == DELETE or config.value is None:
        return replace(config, config_operation=SET, value=rule.default)
    if rule.limits and config.config_operation != SET:
        return Refusal(
            POLICY_VIOLATION,
            f"{config.name} has a rule: set its whole value instead of adding to it or taking"
            f" from it; the policy wants {rule.allowed_words()}",
        )
    if rule.limits and not rule.allows(config.value):
        return _config_fault(config.name, config.value, rule.allowed_words())
    return config

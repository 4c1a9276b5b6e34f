"""What an account of a virtual cluster may do, as the judgement of its requests needs it."""

from dataclasses import dataclass, field
from typing import Final

from contract.policy import TopicRules
from dataplane.virtual.effects import (
    ADD_PARTITIONS_TO_TXN,
    ADMINISTERS_TOPICS,
    ALTER_CONFIGS,
    CREATE_PARTITIONS,
    CREATE_TOPICS,
    INCREMENTAL_ALTER_CONFIGS,
    METADATA,
    WRITES,
)

_NO_RULES: Final = TopicRules()
_RULED: Final = frozenset({METADATA, CREATE_PARTITIONS, ALTER_CONFIGS, INCREMENTAL_ALTER_CONFIGS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Of one account."""

    vcluster: str
    account: str
    rules: TopicRules = _NO_RULES
    read_only: bool = False
    aliases: frozenset[str] = frozenset()
    """Logical names of topics that belong to somebody else."""
    read_only_aliases: frozenset[str] = frozenset()
    judged: frozenset[int] = field(init=False)
    """API keys of the requests that have to be looked into. Others pass without a look."""

    @property
    def counts_topics(self) -> bool:
        """Whether there is a limit on the number of topics or partitions."""
        return self.rules.max_topics is not None or self.rules.max_partitions is not None

    def __post_init__(self) -> None:
        judged = {CREATE_TOPICS}
        if self.rules != _NO_RULES:
            judged |= _RULED
        if self.read_only:
            judged |= {METADATA, *WRITES}
        if self.aliases:
            judged |= {METADATA, *ADMINISTERS_TOPICS}
        if self.read_only_aliases:
            judged.add(ADD_PARTITIONS_TO_TXN)
        object.__setattr__(self, "judged", frozenset(judged))

"""Whether a switch back would lose what only one side holds."""

from contract.mirror import Direction
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.common_ground import held_the_same
from controlplane.domain.mirror.divergence import Divergence
from controlplane.domain.switch.events import Check
from controlplane.domain.unreadable import named, not_proved
from controlplane.probes.divergence import find_divergence
from controlplane.probes.readers import Readers

_NAMED = 5


async def divergence_between(
    facts: Facts, readers: Readers, scope: str, direction: Direction
) -> list[Divergence]:
    """Compare the cluster that serves (the source) with another one.

    Raises:
        UnreachableError: one of them does not answer.
    """
    return await find_divergence(
        await readers.of(direction.source),
        await readers.of(direction.target),
        facts.topics_in(scope),
        held_the_same(facts, scope, direction),
    )


def divergence_checks(
    found: list[Divergence], direction: Direction, *, accepted: bool
) -> list[Check]:
    """What clients would lose by a switch in this direction, unless that is accepted."""
    source, target = direction.source, direction.target
    unreadable = [d.unreadable for d in found if d.unreadable is not None]
    if unproved := not_proved(unreadable):
        detail = f"{len(unproved)} partitions could not be compared: {named(unreadable)}"
        return [Check(name="divergence", passed=False, detail=detail)]
    unseen = [d for d in found if d.on_other.count]
    lacking = [d for d in found if d.within]
    skipped = (
        f"{target} holds {sum(d.on_other.count for d in unseen)} records that {source}"
        f" never had ({_named(unseen)}): consumers that go on at their positions skip them"
    )
    stuck = (
        f"{target} lacks {sum(d.within for d in lacking)} records of {source} that no"
        f" mirror will bring any more ({_named(lacking)})"
    )
    checks = [
        Check(name="divergence", passed=accepted, detail=detail)
        for divergent, detail in ((unseen, skipped), (lacking, stuck))
        if divergent
    ]
    if not checks:
        detail = f"{target} holds nothing that {source} does not"
        return [Check(name="divergence", passed=True, detail=detail)]
    advice = "accepted" if accepted else "`interlock mirror divergence`, then --accept-loss"
    return [Check(name=c.name, passed=c.passed, detail=f"{c.detail}; {advice}") for c in checks]


def _named(divergent: list[Divergence]) -> str:
    names = ", ".join(d.partition for d in divergent[:_NAMED])
    rest = len(divergent) - _NAMED
    return f"{names} and {rest} more" if rest > 0 else names

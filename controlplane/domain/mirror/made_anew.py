"""Topics whose logs began anew: tenants did that, or a reversal, for the mirror to fill them."""

from contract.mirror import Direction
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.request import last_committed
from controlplane.domain.mirror.transitions import ReversalPhase


def made_anew_since(facts: Facts, seq: int) -> frozenset[str]:
    """Topics of which a cluster has other offsets now than it had after event `seq`, or may have.

    Between the decision of a reversal to empty them and the word that it is done, nobody knows.
    """
    topics = {topic for topic, made_seq in facts.topic_history.made_anew.items() if made_seq > seq}
    for reversal in facts.reversals.values():
        done_seq = reversal.emptied_seq or reversal.ended_seq
        if done_seq is None or done_seq > seq:
            topics |= reversal.filled_again
    return frozenset(topics)


def filled_by_the_mirror_alone(facts: Facts, scope: str, direction: Direction) -> frozenset[str]:
    """Topics of which the target holds nothing but what the mirror brought, from the first record.

    True until the next switch: then clients write there.
    """
    newest, switch = facts.newest_reversal(scope), last_committed(facts, scope)
    if (
        newest is None
        or switch is None
        or newest.switch_id != switch.switch_id
        or newest.direction != direction
        or newest.emptied_seq is None
        or newest.phase is ReversalPhase.FAILED
    ):
        return frozenset()
    return newest.filled_again

"""What a switch says of transactions: which it aborted, and who their producers are since."""

from collections.abc import Iterable, Iterator

from contract.records import Identities
from controlplane.domain.switch.events import (
    IdentitiesRecorded,
    SwitchEvent,
    TransactionsAborted,
)
from controlplane.domain.switch.view import View


def what_was_aborted(view: View) -> tuple[SwitchEvent, ...]:
    """The transactions that had to be aborted; nothing if that was recorded."""
    found, switch = view.transactions, view.switch
    if found is None or set(found.aborted) <= set(switch.aborted_transactions):
        return ()
    aborted = TransactionsAborted(
        switch_id=switch.switch_id, transactional_ids=found.aborted, transactions=found.ended
    )
    return (*identities_recorded(found.identities, switch.switch_id), aborted)


def identities_recorded(
    identities: Iterable[Identities], switch_id: str
) -> Iterator[IdentitiesRecorded]:
    """The events that make these control records."""
    for part in identities:
        yield IdentitiesRecorded(
            switch_id=switch_id,
            scope=part.scope,
            epoch=part.epoch,
            part=part.part,
            identities=part.identities,
        )


def gives_transactions_time(view: View, now: float) -> bool:
    """Whether transactions that are open are still waited for, before clients come to rest.

    Not a rule of safety: what is open at the fence is ended all the same.
    """
    switch = view.switch
    if switch.mode == "forced" or switch.transactions_budget_s == 0:
        return False
    if switch.hold_seq is None or view.hold_seen_at is None:
        return True
    is_over = now >= view.hold_seen_at + switch.transactions_budget_s
    return not is_over and view.open_transactions != ()


def transactions_cause(view: View) -> str:
    """Why a switch did not get on that was about to end transactions."""
    return (
        f"transactions on {view.switch.from_cluster} could not be ended in time:"
        f" {view.probe_error or 'it did not answer'}"
    )

"""What a table of transitions says, and that an event cannot follow what happened before it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from controlplane.domain.event import Event

_E = TypeVar("_E", bound=Event)
_Phase = TypeVar("_Phase", bound=StrEnum)


class IllegalTransitionError(ValueError):
    """An event that no table lists for where its subject stands."""

    def __init__(self, seq: int, kind: str, subject: str, phase: str) -> None:
        """Name the event and where its subject stands."""
        super().__init__(
            f"event {seq}, {kind}, cannot happen to {subject}, which is {phase}:"
            " it was decided by other rules than those of this release"
        )


def following(
    table: Mapping[type[_E], Mapping[_Phase, _Phase]], phase: _Phase, event: _E, seq: int
) -> _Phase:
    """Where an event leads.

    Args:
        table: by kind of event, from where to where it leads.
        phase: where its subject stands.
        event: what happens to that.
        seq: its number in the log, for the error.

    Raises:
        IllegalTransitionError: it cannot happen there.
    """
    found = table.get(type(event), {}).get(phase)
    if found is None:
        subject = event.stream.replace("/", " ", 1)
        raise IllegalTransitionError(seq, event.kind, subject, phase.value)
    return found

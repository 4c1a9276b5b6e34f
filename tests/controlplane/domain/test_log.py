"""Events as they are stored."""

import pytest

from controlplane.domain import events
from controlplane.domain.log import UnknownEventError, data_of, event_of
from controlplane.domain.switch.events import FenceOrdered, LagWaived
from tests.controlplane.histories import described, mapped

EVENTS = [
    described("main", 1, 2),
    mapped("teamA", "users"),
    events.RebuildRequested(),
    FenceOrdered(switch_id="s", participants=(("n1", "i1"), ("n2", "i2"))),
    LagWaived(switch_id="s"),
    events.TokenIssued(vcluster="a", name="b", token_id="c", issued_at=1, expires_at=2),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_survives_being_stored(event) -> None:
    assert event_of(event.kind, data_of(event)) == event


def test_an_event_of_a_later_release_is_not_skipped() -> None:
    with pytest.raises(UnknownEventError, match=r"vcluster.renamed.*newer"):
        event_of("vcluster.renamed", '{"name": "x"}')


def test_fields_that_a_later_release_added_are_ignored() -> None:
    event = event_of("vcluster.deleted", '{"name": "x", "why": "y"}')
    assert event == events.VirtualClusterDeleted(name="x")

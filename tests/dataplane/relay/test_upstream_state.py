"""The table of a client's broker connection."""

from itertools import product

import pytest

from dataplane.relay.upstream_state import (
    HOLDS_ONE,
    TRANSITIONS,
    RelayOrder,
    UnexpectedEventError,
    UpstreamEvent,
    UpstreamState,
    after,
)

RELEASES = {RelayOrder.LET_GO, RelayOrder.ABORT, RelayOrder.CLOSE, RelayOrder.HAND_OVER}


@pytest.mark.parametrize(("state", "event"), list(product(UpstreamState, UpstreamEvent)))
def test_what_is_not_listed_is_an_error_that_names_both(state, event):
    if (state, event) in TRANSITIONS:
        assert after(state, event) == TRANSITIONS[state, event]
        return
    with pytest.raises(UnexpectedEventError) as error:
        after(state, event)
    assert state.value in str(error.value)
    assert event.value in str(error.value)


@pytest.mark.parametrize(("state", "event"), list(TRANSITIONS))
def test_a_connection_that_is_given_up_is_closed_by_somebody(state, event):
    then, orders = TRANSITIONS[state, event]
    if state in HOLDS_ONE and then not in HOLDS_ONE:
        assert RELEASES & set(orders)


@pytest.mark.parametrize(("state", "event"), list(TRANSITIONS))
def test_only_an_opened_connection_brings_one(state, event):
    then, _ = TRANSITIONS[state, event]
    if then in HOLDS_ONE and state not in HOLDS_ONE:
        assert event is UpstreamEvent.OPENED


def test_every_state_but_the_last_hears_of_its_scope_and_of_its_client():
    told = {UpstreamEvent.SERVED, UpstreamEvent.FENCED, UpstreamEvent.DROPPED, UpstreamEvent.ENDED}
    for state in set(UpstreamState) - {UpstreamState.OVER}:
        assert told <= {event for known, event in TRANSITIONS if known is state}

"""Two scopes of a node, on production's own machines: they hold, and each rule is needed."""

import pytest

from tests.model.explorer import Found, explore
from tests.model.two_scopes import Flaws, beginning, moves
from tests.model.unsafe import UNSAFE_RELAYS, UNSAFE_SCOPES

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

WITHOUT = {
    **{rule: Flaws(relay=relay) for rule, relay in UNSAFE_RELAYS.items()},
    **{rule: Flaws(scope=scope) for rule, scope in UNSAFE_SCOPES.items()},
}
LEADS_TO = {
    "N2 the door": "sent to a cluster that the scope has left (N2)",
    "N3 the lease": "acknowledged by a cluster that the scope has left (I1)",
    "N5 connections kept": "sent to a cluster that the scope has left (N2)",
    "N6 writes in flight": "a request is answered by nobody",
    "N6 drained with connections": "sent to a cluster that the scope has left (N2)",
    "the epoch of a broker": "sent to a cluster that the scope has left (N2)",
    "late answers cut": "an answer met another request",
}


def _explored(flaws: Flaws) -> Found:
    return explore(beginning(), flaws, moves=moves)


def test_in_no_state_is_anything_wrong():
    found = _explored(Flaws())
    assert (found.wrong, found.way) == (None, ())
    assert found.states > 50_000


@pytest.mark.parametrize("rule", list(WITHOUT))
def test_without_a_rule_something_goes_wrong(rule: str):
    found = _explored(WITHOUT[rule])
    assert found.wrong == LEADS_TO[rule]

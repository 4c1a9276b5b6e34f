"""Which gates stand before which API's program."""

import pytest

from dataplane.gateway.gates import LACKING, Gate, gates_lacking, gates_of, with_known_topics
from dataplane.gateway.scope import WATCHED, WATCHED_QUIESCING
from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.last_writes import RepeatedWriteError
from dataplane.virtual.producer_ids import TransactionalWriteError
from dataplane.virtual.rights import Rights
from dataplane.wire.errors import NamedByIdError, ReadOnlyTopicError

PRODUCE, FETCH, CREATE_TOPICS, INIT_PRODUCER_ID = 0, 1, 19, 22
PLAIN = Rights(vcluster="team", account="sa").judged
REWRITTEN = [key for key, api in APIS.items() if api.treatment is Treatment.REWRITE]


def test_a_plain_produce_of_a_plain_account_passes_none():
    assert gates_of(PRODUCE, PRODUCE in PLAIN, PRODUCE in WATCHED, False) == ()


def test_nor_does_a_fetch_but_for_a_scope_that_comes_to_rest():
    assert gates_of(FETCH, FETCH in PLAIN, FETCH in WATCHED, True) == ()
    assert gates_of(FETCH, FETCH in PLAIN, FETCH in WATCHED_QUIESCING, True) == (Gate.PARKING,)


def test_a_write_waits_for_those_before_it_before_it_is_looked_into():
    assert gates_of(PRODUCE, True, False, True) == (
        Gate.LOOKUP_ORDER,
        Gate.WRITE_ORDER,
        Gate.JUDGEMENT,
        Gate.REPETITIONS,
    )


def test_a_producer_is_known_before_its_request_waits():
    known = gates_of(INIT_PRODUCER_ID, False, INIT_PRODUCER_ID in WATCHED, True)
    assert known == (Gate.REAL_PRODUCER, Gate.PARKING)


@pytest.mark.parametrize("key", [68, 69])
def test_groups_of_the_new_protocol_are_answered_with_ids_that_are_known_first(key):
    assert gates_of(key, False, False, False) == (Gate.TOPIC_IDS,)


def test_commits_stay_in_their_order():
    assert gates_of(8, False, False, False) == (Gate.LOOKUP_ORDER,)


def test_a_write_by_ids_is_looked_into_once_its_topics_are_known():
    assert with_known_topics((Gate.WRITE_ORDER, Gate.REPETITIONS)) == (
        Gate.TOPIC_IDS,
        Gate.WRITE_ORDER,
        Gate.REPETITIONS,
    )


@pytest.mark.parametrize("key", REWRITTEN)
def test_gates_stand_in_one_order(key):
    order = list(Gate)
    gates = gates_of(key, True, True, True)
    assert list(gates) == sorted(gates, key=order.index)
    assert (Gate.REPETITIONS in gates) == (key == PRODUCE)


@pytest.mark.parametrize(
    ("lacking", "gates"),
    [
        (ReadOnlyTopicError(29, "users"), (Gate.JUDGEMENT, Gate.REPETITIONS)),
        (RepeatedWriteError(), (Gate.JUDGEMENT, Gate.REPETITIONS)),
        (TransactionalWriteError(), (Gate.REAL_WRITES,)),
        (NamedByIdError(100, "users"), (Gate.TOPIC_IDS,)),
    ],
)
def test_a_program_names_what_it_lacks_once(lacking, gates):
    assert isinstance(lacking, LACKING)
    assert gates_lacking(lacking, PRODUCE, ()) == gates
    assert gates_lacking(lacking, PRODUCE, gates) == ()
    assert Gate.REPETITIONS not in gates_lacking(lacking, CREATE_TOPICS, ())

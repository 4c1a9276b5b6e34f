"""Whether a copy of the truth says that the log is not all of it."""

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.copies import UNSETTLED_S, Copy, Kind, Log, contradictions, told

DIGESTS = {7: "seven", 10: "ten"}
LOG = Log(log="ours", seq=10, digest_at=DIGESTS.get)


def copy(seq: int, digest: str | None = None, log: str | None = "ours", **changes) -> Copy:
    return Copy(where="node n1", log=log, seq=seq, digest=digest, **changes)


def kinds(*copies: Copy) -> list[Kind]:
    return [one.kind for one in contradictions(LOG, copies)]


def test_copies_of_what_the_log_has_stand_against_nothing():
    assert kinds(copy(0), copy(7, "seven"), copy(10, "ten"), copy(10)) == []


def test_a_copy_that_is_ahead_stands_against_the_log():
    assert kinds(copy(11)) == [Kind.AHEAD]
    assert kinds(copy(11, log=None)) == [Kind.AHEAD]


def test_another_digest_at_the_same_number_stands_against_the_log():
    assert kinds(copy(10, "other"), copy(7, "other")) == [Kind.OTHER_CONTENT] * 2


def test_a_digest_that_cannot_be_compared_is_not():
    assert kinds(copy(10, None), copy(8, "whatever"), copy(10, "ten", log=None)) == []


def test_a_node_may_be_between_two_records_for_a_moment():
    assert kinds(copy(10, "other", said_for_s=UNSETTLED_S / 2)) == []
    assert kinds(copy(11, "other", said_for_s=0.0)) == [Kind.AHEAD]


def test_a_copy_of_another_log_stands_against_this_one():
    assert kinds(copy(3, log="theirs")) == [Kind.OTHER_LOG]
    assert kinds(copy(0, log="theirs")) == []


def test_what_is_told_names_the_copy_and_what_to_do():
    text = told(contradictions(LOG, [copy(29), copy(3, log="theirs")]))
    assert "ends at event 10" in text
    assert "node n1 knows up to event 29" in text
    assert "follows another log (theirs, up to event 3)" in text
    assert "interlock control reconcile" in text


_histories = st.lists(st.integers(0, 3), min_size=1, max_size=12)


def digest_of(history: list[int]) -> str:
    return repr(history)


def log_of(history: list[int]) -> Log:
    return Log(
        log="ours",
        seq=len(history),
        digest_at=lambda seq: digest_of(history[:seq]) if seq <= len(history) else None,
    )


@given(_histories, st.data())
def test_whoever_was_told_by_this_log_never_stands_against_it(history, data):
    told_up_to = data.draw(st.integers(0, len(history)))
    one = copy(told_up_to, digest_of(history[:told_up_to]))
    assert contradictions(log_of(history), [one]) == ()


@given(_histories, _histories, st.data())
def test_whoever_was_told_by_what_was_lost_stands_against_it(history, since, data):
    """A log that was cut anywhere and grew on, beside somebody who knows what was cut off."""
    cut = data.draw(st.integers(0, len(history) - 1))
    log = [*history[:cut], *since]
    known = data.draw(st.integers(cut + 1, len(history)))
    one = copy(known, digest_of(history[:known]))
    is_the_same = log[:known] == history[:known]
    assert bool(contradictions(log_of(log), [one])) != is_the_same

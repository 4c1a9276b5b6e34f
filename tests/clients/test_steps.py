import pytest

from clients.steps import CLIENT_STEPS, Record, Result, read_outcomes

OK = '{"step": "consume", "result": "ok", "detail": "100 records"}'
FAILED = '{"step": "commit", "result": "failed", "detail": "no"}'


def test_every_step_has_an_outcome():
    outcomes = read_outcomes(f"a library's own word\n{OK}\n{FAILED}\n", CLIENT_STEPS, "bye")
    assert outcomes.keys() == CLIENT_STEPS.keys()
    assert outcomes["consume"].result is Result.OK
    assert outcomes["commit"].detail == "no"


def test_a_step_that_was_not_reached_failed_with_the_last_words():
    outcomes = read_outcomes(OK, ("consume", "seek"), "panic: no broker")
    assert outcomes["seek"].result is Result.FAILED
    assert outcomes["seek"].detail == "the program ended before it: panic: no broker"
    assert Record(outcomes, 1.0).failures == [outcomes["seek"]]


def test_a_step_that_nobody_knows_is_an_error():
    with pytest.raises(ValueError, match="unknown steps: consume"):
        read_outcomes(OK, ("commit",), "")

"""Wrong passwords: after so many of them a caller has to wait, and nobody else does."""

import pytest

from controlplane.api.failed_logins import MOST, WINDOW_S, Caller, FailedLogins
from tests.controlplane.conftest import in_process

JOE = Caller("10.0.0.1", "joe")


def after(count: int, caller: Caller = JOE) -> FailedLogins:
    """So many wrong passwords, a second apart."""
    logins = FailedLogins()
    for second in range(count):
        logins.failed(caller, float(second))
    return logins


def test_nobody_waits_before_the_limit():
    assert after(MOST - 1).wait_s(JOE, float(MOST)) == 0.0


def test_whoever_has_reached_it_waits_until_the_window_is_over():
    logins = after(MOST)
    assert logins.wait_s(JOE, float(MOST)) == WINDOW_S - MOST
    assert logins.wait_s(JOE, WINDOW_S) == 0.0
    logins.failed(JOE, WINDOW_S)
    assert logins.wait_s(JOE, WINDOW_S) == 0.0


@pytest.mark.parametrize("other", [Caller("10.0.0.2", "joe"), Caller("10.0.0.1", "ann")])
def test_others_do_not(other: Caller):
    assert after(MOST).wait_s(other, float(MOST)) == 0.0


def test_many_callers_are_not_remembered_for_ever():
    logins = FailedLogins()
    for number in range(20_000):
        logins.failed(Caller("10.0.0.1", f"user{number}"), float(number))
    assert len(logins._known) <= 10_000


@pytest.mark.environment
async def test_the_api_says_for_how_long(variables):
    async with in_process(variables) as plane:
        path = "/api/v1/nodes"
        for _ in range(MOST):
            answer = await plane.client.get(path, auth=("admin", "guess"))
            assert answer.status_code == 401
        answer = await plane.client.get(path, auth=("admin", "guess"))
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= WINDOW_S
        assert "try again in" in answer.json()["detail"]
        assert (await plane.client.get(path, auth=("joe", "joe"))).status_code == 403
        assert (await plane.client.get(path, auth=None)).status_code == 401

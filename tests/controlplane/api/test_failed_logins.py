"""Wrong passwords: after so many of them a caller has to wait, and nobody else does."""

import pytest

from controlplane.api.failed_logins import FREE, LONGEST_WAIT_S, Caller, FailedLogins
from tests.controlplane.conftest import eventually, in_process

JOE = Caller("10.0.0.1", "joe")


def after(count: int, caller: Caller = JOE) -> FailedLogins:
    """So many wrong passwords at once."""
    logins = FailedLogins()
    for _ in range(count):
        logins.failed(caller, 0.0)
    return logins


def test_nobody_waits_for_mistyping():
    assert after(FREE - 1).wait_s(JOE, 0.0) == 0.0


def test_each_further_one_is_waited_for_twice_as_long():
    waits = [after(FREE + more).wait_s(JOE, 0.0) for more in range(8)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_WAIT_S, LONGEST_WAIT_S]
    assert after(FREE + 2).wait_s(JOE, 4.0) == 0.0


def test_what_was_long_ago_is_forgotten():
    logins = after(FREE + 20)
    assert logins.wait_s(JOE, LONGEST_WAIT_S) == 0.0
    logins.failed(JOE, 2 * LONGEST_WAIT_S)
    assert logins.wait_s(JOE, 2 * LONGEST_WAIT_S) == 0.0


@pytest.mark.parametrize("other", [Caller("10.0.0.2", "joe"), Caller("10.0.0.1", "ann")])
def test_others_do_not(other: Caller):
    assert after(FREE).wait_s(other, 0.0) == 0.0


def test_many_callers_are_not_remembered_for_ever():
    logins = FailedLogins()
    for number in range(20_000):
        logins.failed(Caller("10.0.0.1", f"user{number}"), float(number))
    assert len(logins._known) <= 10_000


@pytest.mark.environment
async def test_the_api_says_for_how_long(variables):
    async with in_process(variables) as plane:
        path = "/api/v1/nodes"
        for _ in range(FREE):
            answer = await plane.client.get(path, auth=("admin", "guess"))
            assert answer.status_code == 401
        answer = await plane.client.get(path, auth=("admin", "guess"))
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= LONGEST_WAIT_S
        assert "try again in" in answer.json()["detail"]
        assert (await plane.client.get(path, auth=("joe", "joe"))).status_code == 200
        assert (await plane.client.get(path, auth=None)).status_code == 401
        denied = await plane.client.post("/api/v1/virtual-clusters", auth=("joe", "joe"), json={})
        assert denied.status_code == 403

        async def told() -> bool:
            query = {"params": {"kind": "access"}, "auth": ("joe", "joe")}
            answer = await plane.client.get("/api/v1/events", **query)
            items = answer.json()["items"]
            found = [(e["kind"], e["data"]["username"], e["actor"]) for e in items]
            assert len(set(found)) == len(found), "what is repeated is counted"
            return set(found) == {
                ("access.login_failed", "admin", "system:access"),
                ("access.denied", "joe", "system:access"),
            }

        await eventually(told)

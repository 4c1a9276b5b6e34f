"""What an account may have looked at: others are served while it pays, and it is served again."""

import asyncio
import struct
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.policy import Limits
from dataplane.gateway.accounts import Account
from dataplane.gateway.memory_pool import MemoryPool
from dataplane.gateway.token_bucket import TokenBucket
from dataplane.virtual.rights import Rights
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import (
    FETCH,
    FETCH_4,
    FETCH_4_ANSWER,
    RawClient,
    ScriptedBroker,
    eventually,
    request,
)

METADATA, DELETE_ACLS = 3, 31
NAMES = struct.pack(">i", 20_000) + b"\0\1x" * 20_000
FILTERS = struct.pack(">i", 300) + struct.pack(">bhbhhbb", 1, -1, 1, -1, -1, 1, 1) * 300


class Muted:
    def __init__(self) -> None:
        self.seconds = 0.0

    def mute_for(self, seconds: float) -> bool:
        self.seconds = seconds
        return seconds > 0


EFFORTS = st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 2)), min_size=1, max_size=30)


@given(EFFORTS)
def test_all_connections_wait_together_and_no_more_is_looked_at_than_may_be(efforts):
    account = Account(Rights(vcluster="t", account="sa"), Limits(), MemoryPool(), 1000, 0.0)
    one, two = Muted(), Muted()
    account.relays |= {one, two}
    now, looked_at = 0.0, 0
    for effort, idle in efforts:
        account.effort += effort
        looked_at += effort
        one.seconds = two.seconds = 0.0
        assert account.settle(now) == (one.seconds > 0)
        assert one.seconds == two.seconds
        assert account.effort == 0
        now += one.seconds
        assert looked_at <= 1000 * (now + 1) * 1.000001 + 1
        now += idle


@pytest.mark.parametrize(
    "heavy",
    [request(METADATA, 1, 10, NAMES), request(DELETE_ACLS, 1, 10, FILTERS)],
    ids=["sent-on", "denied"],
)
async def test_who_has_too_much_looked_at_is_muted_on_all_connections_and_others_are_not(
    scripted: Stage, broker: ScriptedBroker, heavy: bytes
):
    account = scripted.gateway.accounts.of("tenant", "sa")
    account._elements = TokenBucket(20_000, asyncio.get_running_loop().time())
    async with AsyncExitStack() as stack:
        one, two, other = [
            await stack.enter_async_context(await RawClient.connect(scripted.bootstrap))
            for _ in range(3)
        ]
        await one.authenticate(scripted.token())
        await two.authenticate(scripted.token())
        await other.authenticate(scripted.token(username="other"), "other")
        one.send(heavy, heavy)
        muted = [r.mute for r in account.relays]
        await eventually(lambda: all(mute.is_on for mute in muted))
        two.send(request(FETCH, 4, 20, FETCH_4))
        other.send(request(FETCH, 4, 30, FETCH_4))
        seen = []
        while (asked := await broker.next()).correlation_id != 20:
            seen.append(asked.correlation_id)
            if asked.key == FETCH:
                asked.answer(FETCH_4_ANSWER)
                assert (await other.receive())[0] == 30
                assert all(mute.is_on for mute in muted)
        assert 30 in seen
        asked.answer(FETCH_4_ANSWER)
        assert (await two.receive())[0] == 20
        assert scripted.gateway.counters.throttled >= 2


async def test_a_new_connection_of_an_account_that_has_to_pay_waits_as_well(
    client: RawClient, scripted: Stage
):
    account = scripted.gateway.accounts.of("tenant", "sa")
    account.effort = 10_000_000
    account.settle(asyncio.get_running_loop().time())
    async with await RawClient.connect(scripted.bootstrap) as late:
        assert await late.authenticate(scripted.token()) == 0
        assert all(relay.mute.is_on for relay in account.relays)
        assert account.connections == 2

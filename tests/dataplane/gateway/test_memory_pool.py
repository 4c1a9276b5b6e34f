"""Memory that is given out while there is some, and comes back by itself."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.gateway import memory_pool
from dataplane.gateway.memory_pool import UNLIMITED, MemoryPool, slowest

SIZES = st.integers(1, 100)
STEPS = st.lists(st.tuples(st.integers(0, 3), SIZES, st.booleans()), max_size=60)


@pytest.fixture(autouse=True)
def _nothing_is_collected() -> Iterator[None]:
    """What comes back does so because nobody holds it, not because somebody looked for it."""
    gc.disable()
    yield
    gc.enable()


@given(STEPS)
def test_every_pool_knows_what_is_held_and_goes_over_by_one_buffer_at_most(steps):
    node = MemoryPool(250)
    accounts = [MemoryPool(100, within=node), MemoryPool(100, within=node)]
    connections = [MemoryPool(within=account) for account in accounts for _ in range(2)]
    held: list[tuple[int, bytearray]] = []
    for now, (number, size, allocates) in enumerate(steps):
        if allocates:
            used_up = connections[number].used_up()
            buffer = connections[number].try_allocate(size, now)
            assert (buffer is None) == (used_up is not None)
            if buffer is not None:
                held.append((number, buffer))
            del buffer
        elif held:
            held.pop(size % len(held))
        for pool, its in zip(connections, range(4), strict=True):
            assert pool.used == sum(len(b) for n, b in held if n == its)
        for account, its in zip(accounts, ({0, 1}, {2, 3}), strict=True):
            assert account.used == sum(len(b) for n, b in held if n in its) < 100 + 100
        assert node.used == sum(account.used for account in accounts) < 250 + 100
    held.clear()
    assert node.used == 0
    assert all(pool.oldest() == UNLIMITED for pool in connections)


@pytest.mark.parametrize("large", [10, 9], ids=["filled", "mapped"])
def test_a_buffer_is_held_for_as_long_as_a_view_of_it(monkeypatch, large):
    monkeypatch.setattr(memory_pool, "LARGE", large)
    pool = MemoryPool(10)
    buffer = pool.allocate(10, 1.0)
    buffer[:3] = memoryview(b"new")
    assert bytes(buffer[:]) == b"new" + bytes(7)
    view = memoryview(buffer)[3:4]
    del buffer
    assert (pool.used, pool.oldest()) == (10, 1.0)
    assert pool.try_allocate(1, 2.0) is None
    del view
    assert (pool.used, pool.oldest()) == (0, UNLIMITED)


def test_the_nearest_pool_that_is_used_up_is_named():
    node = MemoryPool(10)
    account = MemoryPool(5, within=node)
    other = MemoryPool(5, within=node)
    held = [account.allocate(5, 0.0)]
    assert (account.used_up(), other.used_up()) == (account, None)
    held.append(account.allocate(5, 0.0))
    assert (account.used_up(), other.used_up()) == (account, node)


def test_the_slowest_is_of_the_account_that_holds_most():
    node = MemoryPool(100)
    modest, greedy = MemoryPool(100, within=node), MemoryPool(100, within=node)
    one, two, three = (MemoryPool(within=account) for account in (modest, greedy, greedy))
    held = [one.allocate(40, 0.0), two.allocate(25, 0.0), three.allocate(35, 5.0)]
    pools = [one, two, three]
    assert slowest(pools, node, 9.0) is three
    assert slowest(pools, node, 5.0) is two, "who has begun just now is not slow"
    assert slowest(pools, modest, 9.0) is one
    assert slowest(pools, node, 0.0) is None
    held.clear()
    assert slowest(pools, node, 9.0) is None

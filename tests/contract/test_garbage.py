"""What stays is not looked through again, and what does not is found as before."""

import gc
import weakref

import pytest

from contract.garbage import look_seldom, set_aside_what_stays


@pytest.fixture(autouse=True)
def _as_before():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_loaded_is_seldom_looked_through():
    gc.set_threshold(700, 10, 10)
    look_seldom()
    before = gc.get_stats()[0]["collections"]
    loaded = [[n] for n in range(100_000)]
    assert gc.get_stats()[0]["collections"] - before < len(loaded) / 5_000


def test_what_there_is_is_set_aside():
    stays = [{"n": n} for n in range(1000)]
    set_aside_what_stays()
    looked_through = {id(one) for one in gc.get_objects()}
    assert not looked_through.intersection(map(id, stays))
    assert gc.get_freeze_count() > len(stays)


def test_garbage_is_found_by_itself():
    set_aside_what_stays()
    gone = weakref.ref(Knot())
    held = []
    while gone() is not None and len(held) < 5_000_000:
        held.append([])
    assert gone() is None


def test_garbage_of_before_is_not_kept():
    gone = weakref.ref(Knot())
    set_aside_what_stays()
    assert gone() is None

"""Counting what a switch cost."""

from sandbox.demo.account import Cost, cost_of


def test_a_clean_switch_costs_nothing() -> None:
    values = [b"1", b"2", b"3"]
    assert cost_of(values, values, values) == Cost(3, 0, 0, 3, 0, 0)


def test_every_kind_of_damage_is_counted_apart() -> None:
    cost = cost_of([b"1", b"2", b"3"], [b"1", b"1", b"3", b"4"], [b"1", b"3", b"3", b"3"])
    assert cost == Cost(acknowledged=3, lost=1, written_twice=1, read=2, read_twice=2, unread=1)

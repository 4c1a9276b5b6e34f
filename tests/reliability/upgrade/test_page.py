"""The page of an upgrade says what was not as it should be."""

from dataclasses import replace

from reliability.history import Fault, Finding, Partition, Value
from reliability.upgrade.course import Course, Exchanged, Switched
from reliability.upgrade.page import page
from reliability.upgrade.releases import ORDERS

DONE = Exchanged("gateway1", "now", 5.0, 0.2, reconnects=2, errors=())
SWITCHED = Switched("gateways: now", "completed", "", 850.0, 1.1, errors=())


def course(*steps: Exchanged | Switched) -> Course:
    return Course(ORDERS[0], steps=list(steps), acknowledged=100, read=100)


def test_all_well():
    found = course(DONE, SWITCHED)
    assert found.is_clean
    written = page([found], "690d204", "0da7313")
    assert "## First the control planes" in written
    assert "| `gateway1` | now | 5.0 | 0.2 | 2 | nothing |" in written
    assert "| **switch: completed** | gateways: now | 0.8 | 1.1 | - | nothing |" in written
    assert "nothing lost, doubled or out of order" in written


def test_what_applications_are_told_is_shown_once():
    found = course(replace(DONE, errors=("refused", "refused", "gone")), SWITCHED)
    assert not found.is_clean
    assert "| refused; gone |" in page([found], "a", "b")


def test_a_switch_that_is_undone_is_shown_with_its_cause():
    found = course(DONE, replace(SWITCHED, outcome="aborted", cause="the mirror is behind"))
    assert not found.is_clean
    assert "**switch: aborted** the mirror is behind" in page([found], "a", "b")


def test_what_was_lost_is_shown():
    found = course(DONE)
    lost = Finding(Fault.LOST, Partition("ledger", 0), Value("java", 7), "serving")
    found.findings.append(lost)
    assert not found.is_clean
    assert "1 lost, doubled or out of order" in page([found], "a", "b")
    assert f"- {lost}" in page([found], "a", "b")


def test_every_process_is_exchanged_in_every_order():
    for order in ORDERS:
        processes = [process for stage in order for process in stage.processes]
        assert len(processes) == len(set(processes)) == 7

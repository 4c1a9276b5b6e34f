"""A telling cell; `make faults` runs all of them, and writes `docs/faults.md`."""

from collections.abc import Iterator

import pytest

from tests.faults.bed import open_bed
from tests.faults.cell import Runner
from tests.faults.load import Load
from tests.faults.states import STATES
from tests.faults.table import FAULTS

pytestmark = [pytest.mark.environment, pytest.mark.timeout(300)]

STATE = next(state for state in STATES if state.name == "fencing")
TELLING = ("old cluster cut off: its answers are lost",)


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with open_bed(STATE.after) as bed, Load(bed.site) as load:
        yield Runner(bed, load, STATE)


@pytest.mark.parametrize("name", TELLING)
def test_a_fault_while_nodes_are_being_fenced_harms_nobody(runner: Runner, name: str):
    fault = next(fault for fault in FAULTS if fault.name == name)
    result = runner.run(fault)
    assert result.trouble == ()
    assert result.outcome in {"completed", "aborted"}


def test_every_state_and_fault_has_a_name_of_its_own():
    assert len({state.name for state in STATES}) == len(STATES)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)

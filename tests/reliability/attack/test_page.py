"""The page of an attack says what was not as it should be."""

from collections import Counter
from dataclasses import replace

import pytest

from reliability.attack.page import held, page
from reliability.attack.probe import Probed
from reliability.attack.trial import Switched, Trial
from reliability.attack.watching import Watch

DONE = Switched({"outcome": "completed"}, (10.0, 12.0))
QUIET = Probed([(0.0, 0.01)], 0)
GOOD = Trial(
    load=9.5,
    seconds=60.0,
    switches=[DONE],
    refusals=[],
    probed=Probed([(1.0, 0.02), (9.0, 4.0), (20.0, 0.03)], 0),
    attacked=Counter(requests=3),
    watch=Watch(most_mib={"gateway1": 100}, looks=60, unleased=[11.0]),
    quiet=QUIET,
)


def test_waits_in_a_fence_do_not_count():
    assert GOOD.waits_s() == [0.02, 0.03]
    assert held(GOOD)
    assert "**no**" not in page(GOOD)


@pytest.mark.parametrize(
    "bad",
    [
        {"probed": Probed([(1.0, 1.5)], 0)},
        {"probed": Probed([(1.0, 0.2)], 0)},
        {"probed": Probed([], 0)},
        {"probed": Probed([(1.0, 0.01)], 1)},
        {"switches": []},
        {"switches": [replace(DONE, report={"outcome": "aborted", "cause": "it was slow"})]},
        {"refusals": ["no-go"]},
        {"watch": Watch(unleased=[30.0], looks=1)},
        {"attacked": Counter({"foreign names": 1})},
    ],
    ids=str,
)
def test_anything_that_others_notice_is_a_no(bad):
    trial = replace(GOOD, **bad)
    assert not held(trial)
    assert "**no**" in page(trial)

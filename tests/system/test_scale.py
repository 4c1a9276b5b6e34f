"""`make scale` at the smallest size: everything that its page tells is measured."""

import pytest

from benchmarks.scale.figures import PROCESSES, SECTIONS
from benchmarks.scale.measuring import measured
from benchmarks.scale.scene import Scene
from benchmarks.scale.size import Size
from tests.system.inspection import inspect
from tests.system.mirrored import mirrored

pytestmark = [pytest.mark.environment, pytest.mark.timeout(300)]

VARIABLES = {"INTERLOCK_SWITCH_BUDGET_S": "120"}
SMALLEST = Size(
    topics=2,
    partitions_each=2,
    records=15,
    groups=3,
    members=1,
    connections=2,
    switches=1,
    sample_s=1.0,
)


def test_a_scale_of_the_smallest_size_measures_all_that_its_page_tells(tmp_path_factory):
    with mirrored(tmp_path_factory.mktemp("scale"), VARIABLES) as operator:
        figures, amiss = measured(Scene(operator.environment, SMALLEST), say=lambda _: None)
        inspect(operator)
    assert amiss == []
    wanted = {figure.name for section in SECTIONS.values() for figure in section}
    assert wanted <= figures.keys()
    assert figures["completed"] == 1
    assert 0 < figures["fenced_s"] < figures["total_s"]
    assert min(figures[f"mib_{process}"] for process in PROCESSES) > 0

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.clock import SteppableClock

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")

PROGRAM = "import time; print(int(time.time()), time.monotonic())"


def told(variables: dict[str, str]) -> tuple[int, float]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, check=True
    )
    wall, monotonic = done.stdout.split()
    return int(wall), float(monotonic)


def test_the_wall_clock_is_stepped_and_the_monotonic_one_is_not(tmp_path: Path):
    clock = SteppableClock(tmp_path)
    true, _ = told({})
    clock.step(3600)
    wall, monotonic = told(clock.variables)
    assert wall - true == pytest.approx(3600, abs=10)
    assert monotonic == pytest.approx(time.monotonic(), abs=10)

"""The page shows what was measured, and says what was worked out."""

from benchmarks.scale.page import Measured, page


def size(partitions, amiss=(), **figures):
    return Measured(
        partitions=partitions,
        topics=partitions // 10,
        written=partitions // 5,
        groups=4,
        connections=3,
        switches=2,
        date="2026-11-30",
        cores=2,
        load=7.25,
        figures=figures,
        amiss=list(amiss),
    )


def test_a_figure_stands_in_its_row_with_its_law():
    shown = page([size(50, fenced_s=0.5, completed=2), size(1_050, fenced_s=1.5, completed=1)])
    row = "| planned: fence to commit, median, s | 0.50 | 1.50 | 0.45 +1.000 for each 1,000 |"
    assert f"{row} *5.45* | *45.45* | *200.45* |" in shown
    assert "| planned: completed | 2 | 1 |  |  |  |  |" in shown, "a number of times has no law"
    assert "2 cores, load average 7.2 at the end" in shown
    assert shown.endswith("## What did not go as it should\n\nNothing.\n")


def test_what_was_not_measured_is_no_zero():
    shown = page([size(50, plan_s=0.5), size(100, ["switch 1 was aborted: too slow"])])
    assert "| `plan`, median, s | 0.50 |  |  |  |  |  |" in shown
    assert "forced" not in shown, "a figure that nobody measured has no row"
    assert "- 100 partitions: switch 1 was aborted: too slow" in shown

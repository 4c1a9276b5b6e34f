from clients.catalogue import CLIENTS
from clients.page import document
from clients.steps import CLIENT_STEPS, Outcome, Record, Result

OLD, NEW, UNBUILT = CLIENTS[0], CLIENTS[2], CLIENTS[-1]


def record(**others: Outcome) -> Record:
    done = {step: Outcome(step, Result.OK) for step in CLIENT_STEPS}
    return Record(done | others, 12.3)


def test_a_failed_step_shows_its_error_and_a_missing_one_its_reason():
    told = {
        "seek": Outcome("seek", Result.FAILED, "no such\noffset | at all"),
        "commit": Outcome("commit", Result.SKIPPED, "cannot"),
    }
    runs = [(OLD, record()), (NEW, record(**told)), (UNBUILT, "no cargo on PATH")]
    page = document({"Libraries": runs}, kafka="4.3.1", brokers=3, minutes=2.4, cores=2)
    assert "| step | java-2.8 | java-4.3 |" in page
    assert f"| {CLIENT_STEPS['seek']} | yes | **NO** |" in page
    assert f"| {CLIENT_STEPS['commit']} | yes | - |" in page
    assert "- `seek` failed with no such offset / at all" in page
    assert "- `commit` not there: cannot" in page
    assert "21 steps done, 1 failed, 1 not there | 12 |" in page
    assert "could not be built: no cargo on PATH" in page

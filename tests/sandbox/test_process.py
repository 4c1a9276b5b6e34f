import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sandbox.errors import SandboxError
from sandbox.process import Process, Program, wait_ready, wait_until


def python(folder: Path, code: str, **settings) -> Process:
    defaults = {"ready": lambda: True, "environment": dict(os.environ)}
    command = [sys.executable, "-I", "-S", "-c", code]
    log = folder / "child.log"
    return Process(Program(name="child", command=command, log=log, **{**defaults, **settings}))


def forever(folder: Path, **settings) -> Process:
    code = f"import pathlib, time; pathlib.Path({str(folder / 'up')!r}).touch(); time.sleep(60)"
    return python(folder, code, **{"ready": (folder / "up").exists, **settings})


@pytest.fixture
def child(tmp_path):
    process = forever(tmp_path)
    process.start()
    process.wait_ready()
    yield process
    process.kill()


def test_a_child_that_dies_is_named_with_its_last_words(tmp_path):
    process = python(tmp_path, "import sys; sys.exit('no such file: x')", ready=lambda: False)
    process.start()
    with pytest.raises(SandboxError) as error:
        process.wait_ready()
    assert str(error.value).startswith("child ended with code 1 before it was ready")
    assert "no such file: x" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_child_that_is_never_ready_is_named(tmp_path):
    process = forever(tmp_path, ready=lambda: False)
    process.start()
    try:
        with pytest.raises(SandboxError, match="child was not ready after 0 s"):
            wait_ready([process], timeout_s=0.2)
    finally:
        process.kill()


def test_a_paused_child_runs_again_after_resume(child):
    status = psutil.Process(child.pid).status
    child.pause()
    wait_until(lambda: status() == psutil.STATUS_STOPPED, "the child is stopped")
    child.resume()
    wait_until(lambda: status() != psutil.STATUS_STOPPED, "the child goes on")


def test_what_a_paused_child_has_started_stands_still_too(tmp_path):
    started = "import subprocess, sys; subprocess.run(['sleep', '60'], start_new_session=True)"
    process = python(tmp_path, started)
    process.start()
    parent = psutil.Process(process.pid)
    wait_until(lambda: parent.children() != [], "it has started something")
    (grandchild,) = parent.children()
    try:
        process.pause()
        wait_until(lambda: grandchild.status() == psutil.STATUS_STOPPED, "that is stopped")
        process.resume()
        wait_until(lambda: grandchild.status() != psutil.STATUS_STOPPED, "that goes on")
    finally:
        grandchild.kill()
        process.kill()


def test_a_paused_child_can_be_stopped(child):
    child.pause()
    child.stop()
    assert child.exit_code() == -signal.SIGTERM


def test_a_child_that_ignores_the_signal_is_killed(tmp_path):
    code = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f" pathlib.Path({str(tmp_path / 'up')!r}).touch(); time.sleep(60)"
    )
    process = python(tmp_path, code, ready=(tmp_path / "up").exists, grace_s=0.1)
    process.start()
    process.wait_ready()
    process.stop()
    assert process.exit_code() == -signal.SIGKILL


def test_a_variable_can_be_given_to_one_start_only(tmp_path):
    process = python(tmp_path, "import os; print(os.environ.get('CRASH_AT'), flush=True)")
    for extra in ({"CRASH_AT": "switch.committed"}, {}):
        process.start(extra)
        process.wait_exit()
    assert (tmp_path / "child.log").read_text().split() == ["switch.committed", "None"]


def test_children_die_with_a_supervisor_that_is_killed(tmp_path):
    code = (
        "import pathlib, sys, time; sys.path.insert(0, '.')\n"
        "from tests.sandbox.test_process import forever\n"
        f"child = forever(pathlib.Path({str(tmp_path)!r})); child.start()\n"
        "child.wait_ready(); print(child.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with supervisor:
        child = psutil.Process(int(supervisor.stdout.readline()))
        supervisor.kill()
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE

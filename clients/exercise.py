"""Runs a client's program against a target and takes down what became of its steps."""

import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence

from clients.catalogue import Client
from clients.steps import Record, read_outcomes
from clients.target import VCLUSTER, Target


class LeakError(Exception):
    """A client printed something that only the physical cluster knows."""


def exercise(client: Client, target: Target) -> Record:
    """Run the whole program; topics and groups get names that no other run has.

    Raises:
        SandboxError: the program cannot be built here.
        LeakError: the program saw the tenant's prefix.
    """
    command = client.prepare()
    prefix = f"{client.name}-{uuid.uuid4().hex[:6]}"
    began = time.monotonic()
    printed, complaints = _run(command, target.variables(prefix), client.patience_s)
    seconds = time.monotonic() - began
    if VCLUSTER in printed:
        raise LeakError(f"{client.title} was shown the prefix {VCLUSTER}: {printed}")
    words = [line.strip() for line in complaints.splitlines() if line.strip()]
    return Record(read_outcomes(printed, client.steps, words[-1] if words else "no word"), seconds)


def _run(command: Sequence[str], variables: dict[str, str], patience_s: float) -> tuple[str, str]:
    """What a program printed, and what it complained; ended with its children when time is up."""
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            command,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=complaints,
            start_new_session=True,
        )
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            complaints.write(f"\nended after {patience_s:.0f} s")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        printed.seek(0)
        complaints.seek(0)
        return printed.read(), complaints.read()

"""What must be so whatever has happened in an environment: its event log and its log files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.system.operator import Operator

ACTOR = re.compile(r"(user|node|system):.+")
TRACES = ("Traceback (most recent call last)", '"exception":')
"""An unexpected error, as Python and as our structured log write it."""


def inspect(operator: Operator) -> None:
    """Assert that the event log is intact, and that no log file holds a trace or a secret."""
    verdict = operator.command("audit", "verify", "--against", "topic")
    assert verdict.returncode == 0, verdict
    assert "all as they were written" in verdict.stdout
    events = operator.events()
    assert [event["seq"] for event in events] == [*_numbers(events)]
    assert [event for event in events if not ACTOR.fullmatch(event["actor"])] == []
    assert traces(operator) == []
    assert secrets(operator) == []


def _numbers(events: list[dict[str, Any]]) -> Iterator[int]:
    """One after the other, but for those that were lost, as the log says."""
    following = 1
    for event in events:
        if event["kind"] == "log.reconciled":
            assert event["data"]["lost_from"] == following
            following = event["data"]["through_seq"] + 1
        yield following
        following += 1


def traces(operator: Operator) -> list[str]:
    """Lines of the planes' log files that tell of an unexpected error."""
    return [
        f"{log.name}: {line}"
        for log in _logs(operator)
        if log.stem.startswith(("gateway", "controlplane"))
        for line in _lines(log)
        if any(trace in line for trace in TRACES)
    ]


def secrets(operator: Operator) -> list[str]:
    """Names of the log files that hold a secret."""
    environment = operator.environment
    known = [
        *environment.node_tokens.values(),
        environment.secrets.node_token,
        environment.secrets.signing_key,
        *operator.tokens,
    ]
    return [
        log.name
        for log in _logs(operator)
        if any(secret in line for line in _lines(log) for secret in known)
    ]


def _logs(operator: Operator) -> list[Path]:
    return sorted((operator.environment.plan.folder / "logs").iterdir())


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()

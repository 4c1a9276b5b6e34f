"""What must be so whatever has happened in an environment: its event log and its log files."""

from pathlib import Path

from tests.system.operator import Operator

TRACES = ("Traceback (most recent call last)", '"exception":')
"""An unexpected error, as Python and as our structured log write it."""


def inspect(operator: Operator) -> None:
    """Assert that the event log is intact, and that no log file holds a trace or a secret."""
    verdict = operator.call("GET", "/api/v1/audit/verify").json()
    assert verdict["first_bad"] is None, verdict
    assert verdict["events"] == operator.events()[-1]["seq"]
    assert [e for e in operator.events() if not e["actor"]] == []
    assert traces(operator) == []
    assert secrets(operator) == []


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
    known = [environment.secrets.node_token, environment.secrets.signing_key, *operator.tokens]
    return [
        log.name
        for log in _logs(operator)
        if any(secret in line for line in _lines(log) for secret in known)
    ]


def _logs(operator: Operator) -> list[Path]:
    return sorted((operator.environment.plan.folder / "logs").iterdir())


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()

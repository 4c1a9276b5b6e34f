"""The alerting rules: each fires for what it is about, and none when nothing is wrong."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
RULES, TESTS = MONITORING / "alerts.yaml", MONITORING / "alerts.test.yaml"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]
}
COMMAND = re.compile(r"`interlock ([a-z-]+)(?: ([a-z-]+))?`")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool (prometheus)")
@pytest.mark.parametrize("arguments", [("check", "rules", RULES), ("test", "rules", TESTS)])
def test_prometheus_takes_the_rules_and_they_fire(arguments: tuple[str, ...]):
    done = subprocess.run(
        ["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_made_to_fire():
    tested = {case["name"] for case in yaml.safe_load(TESTS.read_text())["tests"]}
    assert ALERTS.keys() <= tested


@pytest.mark.parametrize("name", ALERTS)
def test_each_says_what_happened_and_what_to_do(name: str):
    told = ALERTS[name]["annotations"]
    assert ALERTS[name]["labels"]["severity"] in {"page", "warn"}
    assert told["summary"]
    assert len(told["description"]) > len("See the log."), "what to do"


def test_the_commands_that_are_named_exist():
    told = " ".join(rule["annotations"]["description"] for rule in ALERTS.values())
    named = set(COMMAND.findall(told))
    assert named, "some are"
    for group, command in named:
        done = subprocess.run(
            [sys.executable, "-m", "interlock", group, command, "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"interlock {group} {command}"

"""The alerting rules: each fires for what it is about, and none when nothing is wrong. Dashboards
ask what Prometheus understands."""

import json
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
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
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


def asked(dashboard: Path) -> list[str]:
    """What the panels of a dashboard ask."""
    panels = json.loads(dashboard.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool (prometheus)")
@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda file: file.stem)
def test_what_panels_ask_is_understood(dashboard: Path, tmp_path: Path):
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(asked(dashboard))
    ]
    assert rules
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda file: file.stem)
def test_panels_have_a_place_of_their_own_and_say_what_they_show(dashboard: Path):
    taken = set[tuple[int, int]]()
    for panel in json.loads(dashboard.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & cells
        assert at["x"] + at["w"] <= 24
        assert panel["description"]
        taken |= cells

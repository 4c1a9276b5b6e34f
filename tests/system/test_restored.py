"""The database loses its newest events under control planes, nodes and clients (ADR 27).

A standby that was promoted too early, and a backup from before a switch that was under way.
`make restores` has the switch interrupted after more of its events, goes back to each of them, and
writes `docs/restores.md`.
"""

import asyncio
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.process import wait_until
from tests.controlplane.lost_tail import restore
from tests.system.evidence import assert_all_written
from tests.system.load import Load
from tests.system.operator import PATIENCE, Operator
from tests.system.restores import Restored, Trial, page
from tests.system.standby import following

pytestmark = [pytest.mark.environment, pytest.mark.timeout(240)]

TARGET = Path(__file__).parents[2] / "docs" / "restores.md"
TOPIC = "orders"
ALL = "INTERLOCK_ALL_RESTORES" in os.environ
INTERRUPTED = (
    *("switch.barrier_reached", "switch.loss_recorded", "switch.node_resumed") * ALL,
    "switch.lag_waived",
)
"""Right after these events of a switch all control planes die, and the database is restored."""


@pytest.fixture(scope="module")
def trials() -> Iterator[list[Trial]]:
    """What the tests of this file have shown; a page of it, if that was all of them."""
    trials: list[Trial] = []
    yield trials
    if ALL:
        TARGET.write_text(page(trials))


@pytest.fixture
def trial(trials: list[Trial]) -> Trial:
    trials.append(Trial())
    return trials[-1]


def ready(operator: Operator, plane: int) -> dict[str, object]:
    """What a control plane says of itself; nothing while it starts or cannot reach the database."""
    try:
        answer = operator.call("GET", "/health/ready", plane)
    except httpx.TransportError:
        return {}
    return {**answer.json(), "code": answer.status_code}


def assert_decides_nothing(operator: Operator, plane: int) -> None:
    """Of each way to ask: that nothing is decided, and what to do."""

    def objects() -> bool:
        said = ready(operator, plane)
        return bool(said.get("objection")) and not said["leading"]

    wait_until(objects, f"control plane {plane} objects", PATIENCE)
    said = ready(operator, plane)
    assert said["code"] == 503
    assert "interlock control reconcile" in str(said["objection"])
    for to in ("main", "failover"):
        asked = operator.call("POST", "/api/v1/switch-plans", plane, json={"toCluster": to})
        assert [(c["name"], c["passed"]) for c in asked.json()["checks"]] == [("log", False)]
        refused = operator.switch(to, plane)
        assert (refused.status_code, "control reconcile" in refused.text) == (503, True)
    metrics = operator.call("GET", "/metrics", plane).text
    assert re.search(r'^interlock_log_contradicted{kind="ahead"} [1-9]', metrics, re.MULTILINE)


def all_object(operator: Operator, how: str, ends_with: str, lost: int) -> Restored:
    """Both control planes, from now on."""
    since = time.monotonic()
    for plane in (0, 1):
        assert_decides_nothing(operator, plane)
    return Restored(how, ends_with, lost, time.monotonic() - since)


def kind_of(operator: Operator, seq: int) -> str:
    """The kind of an event."""
    return str(next(event["kind"] for event in operator.events() if event["seq"] == seq))


def reconcile(operator: Operator) -> None:
    """As the objection says."""
    shown = operator.command("control", "reconcile")
    assert (shown.returncode, "--apply" in shown.stdout + shown.stderr) == (1, True), shown
    reason = ("--apply", "--reason", "the database was restored")
    applied = operator.command("control", "reconcile", *reason)
    assert applied.returncode == 0, applied
    operator.wait_for_agreement()
    wait_until(operator.in_step, "both nodes are in step", PATIENCE)


def broadcast(operator: Operator) -> int:
    """The newest event, once the control topic and both nodes have everything."""

    def published() -> bool:
        topic = operator.call("GET", "/api/v1/control-topic").json()
        return bool(topic["publishedSeq"] == topic["seq"]) and operator.in_step()

    wait_until(published, "everything is broadcast", PATIENCE)
    return int(operator.events()[-1]["seq"])


def switch_and_back(operator: Operator) -> None:
    """Switches work."""
    for _ in range(2):
        assert operator.switch(operator.other_cluster()).json() == {"message": "Cluster switched"}
        operator.wait_for_agreement()


def test_a_standby_that_was_promoted_without_a_switch(
    operator: Operator, vcluster: str, trial: Trial
):
    operator.create_topic(vcluster, TOPIC)
    environment, to = operator.environment, operator.other_cluster()
    clients = [operator.client(vcluster, gateway) for gateway in (0, 1)]
    with (
        following(environment.process("postgres"), environment.database_url) as standby,
        Load(clients, TOPIC) as load,
    ):
        standby.cut_off()
        before = operator.events()[-1]
        assert operator.switch(to).json() == {"message": "Cluster switched"}
        operator.wait_for_agreement()
        lost = broadcast(operator) - before["seq"]
        standby.promote()
        # One that remembers what it has read, and one that knows nothing.
        operator.control_plane(1).kill()
        operator.control_plane(1).start()
        how = "a standby was promoted that had not followed a switch"
        trial.restored.append(all_object(operator, how, before["kind"], lost))
        load.wait_for_more(20)
        assert all(operator.node_serves(index, to, 1) for index in (0, 1))
        assert_decides_nothing(operator, 0)
        reconcile(operator)
        assert operator.routing()["cluster"] == to
        switch_and_back(operator)
        load.wait_for_more(20)
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)
    trial.held(load)


@pytest.mark.parametrize("interrupted", INTERRUPTED)
def test_a_backup_from_before_a_switch_that_is_under_way(
    operator: Operator, vcluster: str, interrupted: str, trial: Trial
):
    operator.create_topic(vcluster, TOPIC)
    before = broadcast(operator)
    ended_with = kind_of(operator, before)
    routing, to = operator.routing(), operator.other_cluster()
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        alone = operator.rely_on(0, crash_at=interrupted)
        with pytest.raises(httpx.TransportError):
            operator.switch(to)
        alone.wait_exit(PATIENCE)
        lost = asyncio.run(restore(operator.environment.database_url, before))
        for plane in (0, 1):
            operator.control_plane(plane).start()
        how = f"restored under a switch that was interrupted after `{interrupted}`"
        trial.restored.append(all_object(operator, how, ended_with, lost))
        reconcile(operator)
        moved = interrupted == "switch.node_resumed"
        served = operator.routing()
        assert (served["cluster"], served["epoch"]) == (
            to if moved else routing["cluster"],
            routing["epoch"] + moved,
        )
        switch_and_back(operator)
        load.wait_for_more(20)
    assert_all_written(operator, load, vcluster + TOPIC)
    trial.held(load)


@pytest.mark.skipif(not ALL, reason="make restores")
def test_a_backup_from_after_each_event_of_a_switch(
    operator: Operator, vcluster: str, trial: Trial
):
    operator.create_topic(vcluster, TOPIC)
    before, to = broadcast(operator), operator.other_cluster()
    assert operator.switch(to).json() == {"message": "Cluster switched"}
    operator.wait_for_agreement()
    newest = broadcast(operator)
    kinds = {event["seq"]: event["kind"] for event in operator.events()}
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        for seq in range(newest - 1, before - 1, -1):
            asyncio.run(restore(operator.environment.database_url, seq))
            how = "restored as it was before, under control planes that went on"
            trial.restored.append(all_object(operator, how, kinds[seq], newest - seq))
            load.wait_for_more(20)
        reconcile(operator)
        assert operator.routing()["cluster"] == to
        switch_and_back(operator)
        load.wait_for_more(20)
    assert load.errors == []
    assert_all_written(operator, load, vcluster + TOPIC)
    trial.held(load)

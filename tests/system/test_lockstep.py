"""One call moves both nodes, at one point: ten times, under load."""

import itertools
import json
import re
from pathlib import Path

import pytest
import yaml

from sandbox.process import wait_until
from tests.system.load import Load
from tests.system.operator import PATIENCE, Operator

pytestmark = [pytest.mark.environment, pytest.mark.timeout(400)]

SWITCHES = 10
TOPIC = "orders"
MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
METRIC = re.compile(r"\binterlock_[a-z_]+")


def test_no_acknowledgement_of_the_old_cluster_follows_one_of_the_new(
    operator: Operator, vcluster: str
):
    operator.create_topic(vcluster, TOPIC, partitions=2)
    clients = [operator.client(vcluster, gateway) for gateway in (0, 1, 0, 1)]
    epoch = operator.routing()["epoch"]
    with Load(clients, TOPIC) as load:
        load.wait_for_more(100)
        for number in range(SWITCHES):
            to = ("failover", "main")[number % 2]
            answer = operator.switch(to, plane=number % 2)
            assert answer.json() == {"message": "Cluster switched"}
            load.wait_for_more(40)
    assert load.errors == []
    assert operator.routing()["epoch"] == epoch + SWITCHES

    where = {
        value: cluster
        for cluster in ("main", "failover")
        for value in operator.physical_records(cluster, vcluster + TOPIC)
    }
    by_time = sorted(load.acknowledgements, key=lambda acknowledgement: acknowledgement.at)
    assert [a.value for a in by_time if a.value not in where] == [], "acknowledged and lost"
    runs = [cluster for cluster, _ in itertools.groupby(where[a.value] for a in by_time)]
    assert runs == ["main", "failover"] * (SWITCHES // 2) + ["main"]


def test_every_record_was_written_exactly_once(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)
    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        for to in ("failover", "main", "failover", "main"):
            load.wait_for_more(40)
            assert operator.switch(to).status_code == 200
        load.wait_for_more(40)
    written = [
        value
        for cluster in ("main", "failover")
        for value in operator.physical_records(cluster, vcluster + TOPIC)
    ]
    assert sorted(written) == sorted(a.value for a in load.acknowledgements)
    assert len(written) == load.sent


def test_clients_keep_their_connections_over_switches(operator: Operator, vcluster: str):
    operator.create_topic(vcluster, TOPIC)

    def closed() -> str:
        lines = "".join(operator.node_metrics(index) for index in (0, 1)).splitlines()
        return "".join(x for x in lines if x.startswith("interlock_node_connections_closed_total"))

    with Load([operator.client(vcluster, gateway) for gateway in (0, 1)], TOPIC) as load:
        load.wait_for_more(40)
        before = closed()
        for to in ("failover", "main"):
            assert operator.switch(to).status_code == 200
            load.wait_for_more(40)
        assert closed() == before
    assert load.errors == []


def test_a_repeated_call_changes_nothing(operator: Operator):
    before = operator.wait_for_agreement()
    seq = operator.events()[-1]["seq"]
    for plane in (0, 1):
        answer = operator.switch(before["cluster"], plane)
        assert (answer.status_code, answer.text) == (200, '{"message":"Cluster switched"}')
    assert operator.routing() == before
    assert operator.events(after=seq) == []


def test_what_alerts_and_panels_watch_is_told(operator: Operator):
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    for dashboard in (MONITORING / "dashboards").iterdir():
        panels = json.loads(dashboard.read_text())["panels"]
        asked += [target["expr"] for panel in panels for target in panel["targets"]]
    watched = {name for expression in asked for name in METRIC.findall(expression)}
    only_with_tls = {
        f"interlock_{whose}_certificate_not_after_timestamp_seconds" for whose in ("node", "api")
    }
    only_with_a_mirror = {"interlock_mirror_delay_seconds"}

    def untold() -> set[str]:
        # Some of it only the control plane tells that leads.
        told = "".join(operator.call("GET", "/metrics", plane).text for plane in (0, 1))
        found = METRIC.findall(told + operator.node_metrics(0))
        return watched - set(found) - only_with_tls - only_with_a_mirror

    # After a switch the leader looks at the mirror's other direction every ten seconds.
    wait_until(lambda: not untold(), f"all is told of {sorted(watched)}", PATIENCE)

"""After a switch, and after the way back, everything is as a tenant has left it."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports
from sandbox.process import wait_until
from tests.system.conftest import USERS
from tests.system.operator import Operator
from tests.system.tenant import Tenant, expected, found

pytestmark = [pytest.mark.environment, pytest.mark.timeout(600)]

VARIABLES = {
    "GATEWAY_ADMIN_API_USERS": msgspec.json.encode(USERS).decode(),
    "INTERLOCK_MIRROR_REVERSAL": "after_switch",
    "INTERLOCK_SWITCH_BUDGET_S": "90",
    "INTERLOCK_MIRROR_BUDGET_S": "40",
}
QUICK = {"log.cleaner.backoff.ms": "500", "log.retention.check.interval.ms": "2000"}


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    with reserved_ports() as ports:
        plan = Plan(
            folder=tmp_path_factory.mktemp("parity"),
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.GATEWAYS, Component.MIRROR}),
            control_plane_variables=VARIABLES,
            broker_properties={"main": QUICK, "failover": QUICK},
        )
        with Environment(plan) as environment:
            yield Operator(environment)


def turned(operator, source):
    newest = operator.call("GET", "/api/v1/mirror").json()["reversal"]
    assert newest is None or newest["phase"] != "failed", newest["cause"]
    return newest is not None and newest["source"] == source and newest["phase"] == "reversed"


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("INTERLOCK_WORLDS", "2"))))
def test_everything_is_as_the_tenant_has_left_it(operator, seed):
    vcluster = f"world{seed}-"
    client = operator.client(vcluster)
    tenant = Tenant(client, seed)
    tenant.act(20)
    for _ in ("there", "back"):
        tenant.act(15)
        to = operator.other_cluster()
        with ThreadPoolExecutor() as pool:
            acting = pool.submit(tenant.act, 15)
            answer = operator.switch(to, wait="mirror")
            assert answer.status_code == 200, answer.text
            acting.result(120)
        time.sleep(1)  # brokers tell of changes a moment after they are made
        there, wanted = found(tenant, client), expected(tenant)
        for what, left in wanted.items():
            assert there[what] == left, f"{what}: {there[what]} instead of {left}"
        wait_until(lambda to=to: turned(operator, to), f"the mirror copies from {to}", 90)

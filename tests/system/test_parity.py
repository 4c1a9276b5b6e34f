"""After a switch, and after the way back, everything is as a tenant has left it."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.process import wait_until
from tests.system.mirrored import mirrored, refusals, turned_to
from tests.system.tenant import Tenant, expected, found

pytestmark = [pytest.mark.environment, pytest.mark.timeout(600)]

VARIABLES = {"INTERLOCK_SWITCH_BUDGET_S": "90", "INTERLOCK_MIRROR_BUDGET_S": "40"}
QUICK = {"log.cleaner.backoff.ms": "500", "log.retention.check.interval.ms": "2000"}
"""What is to be deleted is deleted while a test looks."""
WORLDS = int(os.environ.get("INTERLOCK_WORLDS", "2"))


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    quick = {"main": QUICK, "failover": QUICK}
    with mirrored(tmp_path_factory.mktemp("parity"), VARIABLES, quick) as operator:
        yield operator


@pytest.mark.parametrize("seed", range(1, WORLDS + 1))
def test_everything_is_as_the_tenant_has_left_it(operator, seed):
    client = operator.client(f"world{seed}-")
    tenant = Tenant(client, seed)
    tenant.act(20)
    for _ in ("there", "back"):
        tenant.act(15)
        to = operator.other_cluster()
        with ThreadPoolExecutor() as pool:
            acting = pool.submit(tenant.act, 15)
            switch(operator, to)
            acting.result(120)
        time.sleep(1)  # brokers tell of changes a moment after they are made
        there, wanted = found(tenant, client), expected(tenant)
        for what, left in wanted.items():
            assert there[what] == left, f"{what}: {there[what]} instead of {left}"
        wait_until(lambda to=to: turned_to(operator, to), f"the mirror copies from {to}", 90)


def switch(operator, to):
    """Again, if the mirror passed over the beginning of a topic that was made again meanwhile."""
    answer = operator.switch(to, wait="mirror")
    if answer.status_code != 200:
        wait_until(lambda: refusals(operator, to) == {}, f"after {answer.text}: go", 120)
        answer = operator.switch(to, wait="mirror")
    assert answer.status_code == 200, answer.text

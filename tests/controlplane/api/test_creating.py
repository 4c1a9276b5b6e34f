"""Nobody gets by a name what is somebody else's on the clusters."""

import pytest

from controlplane.domain.adoption import require_room
from controlplane.domain.refusal import Conflict
from tests.controlplane.conftest import in_process
from tests.controlplane.histories import OPEN, described, facts_of
from tests.controlplane.probes.clusters import commit, create_and_wait

VCLUSTERS = "/api/v1/virtual-clusters"
TOKEN = "/admin/vclusters/v1/vcluster/{}/username/sa"


@pytest.fixture
async def plane(variables):
    async with in_process(variables) as running:
        yield running


async def refusals(plane, name: str) -> set[tuple[int, str]]:
    """Of both ways to make a virtual cluster."""
    own = await plane.client.post(VCLUSTERS, json={"name": name})
    incumbent = await plane.client.post(TOKEN.format(name), json={"lifeTimeSeconds": 60})
    return {
        (own.status_code, own.json().get("detail", "")),
        (incumbent.status_code, incumbent.json().get("message", "")),
    }


@pytest.mark.environment
@pytest.mark.parametrize("where", ["main", "failover"])
async def test_topics_of_nobody_are_no_new_tenant_s_unless_adopted(
    plane, clusters, unique_name, where
):
    await create_and_wait(getattr(clusters, where), f"{unique_name}orders")
    ((status, message),) = await refusals(plane, unique_name)
    assert status == 409
    assert f"cluster {where} has 1 topics that begin with {unique_name}" in message
    assert f"`interlock vcluster adopt {unique_name} --apply`" in message
    assert (await plane.client.get(f"{VCLUSTERS}/{unique_name}")).status_code == 404
    adopted = await plane.client.post(f"{VCLUSTERS}/{unique_name}/adoption")
    assert len(adopted.json()["items"]) == (where == "main")
    token = await plane.client.post(TOKEN.format(unique_name), json={"lifeTimeSeconds": 60})
    assert token.status_code == 201


@pytest.mark.environment
async def test_groups_of_nobody_are_no_new_tenant_s(plane, clusters, unique_name):
    await create_and_wait(clusters.main, f"x{unique_name}")
    await commit(clusters.main, f"x{unique_name}", f"{unique_name}readers", 0)
    ((status, message),) = await refusals(plane, unique_name)
    assert (status, f"{unique_name}readers for one" in message) == (409, True)


def test_what_is_the_mirror_s_takes_no_room():
    facts = facts_of(OPEN, described("main", 1), described("failover", 1, index=1))
    require_room(facts, "m", "main", {"mm2-offset-syncs.failover.internal": 1}, [])
    with pytest.raises(Conflict, match="1 groups that begin with m, mine for one"):
        require_room(facts, "m", "main", {}, ["mine"])

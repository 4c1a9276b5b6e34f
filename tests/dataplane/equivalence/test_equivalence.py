"""Through the gateway a broker answers as it would without: every API, every version served.

The same generated request goes to one broker twice: through the gateway in logical names, and
directly in the physical names of a twin tenant. What comes back must be the same.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.view import Listener, View
from dataplane.wire.schema import api_name, message
from tests.dataplane.equivalence import scene
from tests.dataplane.equivalence.bodies import TOPICS, BodyGenerator
from tests.dataplane.equivalence.worlds import Twin, World, comparable, errors_in, learn
from tests.dataplane.gateway.conftest import (  # noqa: F401 - fixtures are found by their names
    Stage,
    gateway_ports,
    stage,
)
from tests.dataplane.gateway.scripted import RawClient
from tests.environment.backends import Clusters

pytestmark = [pytest.mark.environment, pytest.mark.timeout(300)]

SAMPLES = 8
METADATA = 3
CHANGES_TOPICS = frozenset({19, 20, 37})
ROWS = [row for row in APIS.values() if row.treatment is Treatment.REWRITE]


@pytest.fixture
async def worlds(
    stage: Stage,  # noqa: F811 - the fixture, not the import
    clusters: Clusters,
) -> AsyncIterator[tuple[World, Twin]]:
    twin_name = f"twin-{stage.vcluster}"
    host, port = stage.bootstrap.split(":")
    view = View(
        vcluster=twin_name,
        cluster_id=f"id-{stage.vcluster}",
        listeners=(Listener(host, int(port)),),
        brokers=(1,),
        cluster_index=0,
    )
    async with (
        await RawClient.connect(stage.bootstrap) as behind,
        await RawClient.connect(clusters.main) as direct,
    ):
        assert await behind.authenticate(stage.token()) == 0
        yield World(behind), Twin(direct, view=view)


async def ask_both(worlds, key, version, body):
    """Both answers as they can be compared, and whether the second is an error."""
    answers = await asyncio.gather(*(world.ask(key, version, body) for world in worlds))
    learn(*worlds, answers)
    seen = [comparable(w.symbolic(a)) for w, a in zip(worlds, answers, strict=True)]
    return *seen, bool(errors_in(answers[1]))


async def set_the_scene(worlds):
    """Have what generated requests are about."""
    for key, version, body in scene.requests():
        mine, twins, _ = await ask_both(worlds, key, version, body)
        assert mine == twins
        if key in CHANGES_TOPICS:
            await agreed(worlds)
    asked = scene.made(METADATA, 12, topics=[{"name": name} for name in TOPICS])
    for world in worlds:
        ids = {topic.name: topic.topic_id for topic in (await world.ask(*asked)).topics}
        world.topics |= {UUID(int=n): ids[name] for n, name in enumerate(TOPICS, 1)}


async def agreed(worlds):
    """Wait until both worlds show the same topics, and lead all their partitions."""
    everything = message(METADATA, 4, "request").entity(topics=None)
    for _ in range(100):
        mine, twins, _ = await ask_both(worlds, METADATA, 4, everything)
        if mine == twins:
            *offsets, waits = await ask_both(worlds, *scene.offsets_of(mine.topics))
            if offsets[0] == offsets[1] and not waits:
                return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{mine} is not {twins}")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_the_gateway_answers_as_the_broker_does(worlds, row):
    await set_the_scene(worlds)
    outcomes = Counter()
    for version in row.served:
        for number in range(SAMPLES):
            generator = BodyGenerator(api_name(row.key), version, number)
            body = generator.entity(message(row.key, version, "request"))
            mine, twins, is_error = await ask_both(worlds, row.key, version, body)
            if mine != twins and row.repeatable:
                await agreed(worlds)
                mine, twins, is_error = await ask_both(worlds, row.key, version, body)
            assert mine == twins, f"version {version}, asked {body}"
            outcomes[is_error] += 1
            if row.key in CHANGES_TOPICS:
                await agreed(worlds)
    assert outcomes[False], "nothing but errors was compared"

"""What a real cluster says of the configs of its topics."""

import pytest

from controlplane.domain.parity.configs import Change
from controlplane.probes.asking import asking
from controlplane.probes.layout import layout_of
from controlplane.probes.parity.configs import TopicStateReader, carry
from tests.controlplane.conftest import eventually
from tests.controlplane.probes.clusters import cluster, create

pytestmark = pytest.mark.environment


async def test_what_has_not_changed_is_not_read_anew(clusters, unique_name):
    """Behind the fence hundreds of topics are asked for, of which few have changed."""
    await create(clusters.main, unique_name)
    reader, topics = TopicStateReader(), [unique_name]
    async with asking(cluster("main", clusters.main), "") as asked:
        layout = await layout_of(asked, topics)
        first = (await reader.read(asked, layout, topics))[unique_name].configs
        assert (await reader.read(asked, layout, topics))[unique_name].configs is first
        change = Change(topic=unique_name, config="segment.ms", value="7000")
        assert await carry(asked, [change]) == {}

        async def is_seen() -> bool:
            # The controller has it at once, a broker that is asked some moments later.
            return (await reader.read(asked, layout, topics))[unique_name].configs != first

        await eventually(is_seen)

"""Fake nodes that serve, for tests of what the control planes do with them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tests.controlplane.conftest import Running, eventually
from tests.controlplane.fake_node import FakeNode


@asynccontextmanager
async def serving_nodes(*planes: Running) -> AsyncIterator[list[FakeNode]]:
    """A node with a lease from each of these control planes."""
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(FakeNode(f"n{i}", plane.url).running())
            for i, plane in enumerate(planes)
        ]

        async def granted() -> bool:
            return all(node.granted for node in nodes)

        await eventually(granted)
        yield nodes

"""The loop that nodes run on: its transports differ from those of asyncio."""

from typing import Any

import pytest
import uvloop


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Any:
    return {"uvloop": uvloop.new_event_loop}

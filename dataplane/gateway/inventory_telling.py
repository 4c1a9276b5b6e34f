"""Tells the control planes who the clients of this node are, from time to time."""

import asyncio
from http import HTTPStatus
from time import monotonic
from typing import Final

import httpx
import structlog

from dataplane.gateway.inventory import Inventory
from dataplane.node.control_planes import ControlPlanes

EVERY_S: Final = 30.0
"""Seconds between two tellings."""
_OLDER: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
"""What a release answers that nobody can ask for it."""

log = structlog.get_logger()


async def tell_clients(
    node_id: str, inventory: Inventory, control_planes: ControlPlanes, every_s: float = EVERY_S
) -> None:
    """Tell for ever. What could not be told is told the next time."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await control_planes.clients_seen(node_id, inventory.told(monotonic()))
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in _OLDER:
                log.warning("clients were not told", error=str(error))
        except httpx.HTTPError as error:
            log.info("clients were not told", error=str(error) or type(error).__name__)

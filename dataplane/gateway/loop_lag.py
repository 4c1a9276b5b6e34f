"""How late a node's loop does what is due: whoever waits for the node waits as long."""

import asyncio
from time import monotonic
from typing import Final

from dataplane.gateway.tallies import Times

_EVERY: Final = 0.1
"""Seconds between two looks."""


class LoopLag:
    """Looks all the time, and counts."""

    def __init__(self) -> None:
        self.times = Times()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            due = monotonic() + _EVERY
            await asyncio.sleep(_EVERY)
            self.times.took(max(0.0, monotonic() - due))

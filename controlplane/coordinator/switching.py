"""Moves switches on: asks the pure core what to do next, and does it."""

import asyncio
import time

import structlog

from controlplane.coordinator.memory import Memory
from controlplane.coordinator.probing import Prober
from controlplane.domain.switch.state import Switch
from controlplane.domain.switch.step import Append, Probe
from controlplane.domain.switch.steps import next_steps
from controlplane.domain.switch.view import Timing, View
from controlplane.plane import ControlPlane
from controlplane.store.event_store import Attribution
from controlplane.store.sessions import Session

_logger = structlog.get_logger()

_BY = Attribution(actor="system:coordinator")
_TICK_S = 0.05
_IDLE_S = 5.0
_PAUSE_S = 0.05
"""Between two looks at the same thing."""


async def move_switches(plane: ControlPlane) -> None:
    """Move every open switch on, for ever; none waits for another's end."""
    moving: dict[str, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as movers:
        while True:
            for switch in plane.ledger.facts.open_switches():
                if switch.switch_id not in moving:
                    move = _Mover(plane, switch).move()
                    moving[switch.switch_id] = movers.create_task(move)
            await plane.ledger.changed.wait(_IDLE_S)
            moving = {id_: mover for id_, mover in moving.items() if not mover.done()}


class _Mover:
    """Moves one switch to its end."""

    def __init__(self, plane: ControlPlane, switch: Switch) -> None:
        self._plane = plane
        self._switch_id = switch.switch_id
        self._timing = Timing(lease_s=plane.settings.interlock_lease_s)

    @property
    def _switch(self) -> Switch:
        return self._plane.ledger.facts.switches[self._switch_id]

    async def move(self) -> None:
        """Go on until the switch has ended."""
        age_s = await self._plane.ledger.store.seconds_since(self._switch.requested_at)
        self._memory = Memory(requested_at=time.monotonic() - age_s)
        prober = Prober(self._plane, self._switch, self._memory)
        log = structlog.contextvars.bound_contextvars(switch_id=self._switch_id)
        with log:
            try:
                async with asyncio.TaskGroup() as probing:
                    await self._move(prober, probing)
            finally:
                await prober.close()

    async def _move(self, prober: Prober, probing: asyncio.TaskGroup) -> None:
        running: asyncio.Task[None] | None = None
        looked: Probe | None = None
        while self._switch.open:
            sessions = await self._plane.sessions.newest()
            view = self._view(sessions)
            steps = next_steps(view, time.monotonic())
            if any(isinstance(step, Append) for step in steps):
                await self._append(sessions)
                continue
            probes = [step for step in steps if isinstance(step, Probe)]
            if probes and (running is None or running.done()):
                pause_s = _PAUSE_S if probes[0] == looked else 0.0
                looked = probes[0]
                running = probing.create_task(self._probe(prober, looked, pause_s))
            await self._plane.ledger.changed.wait(_TICK_S)
        if running is not None:
            running.cancel()

    async def _probe(self, prober: Prober, step: Probe, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        await prober.probe(step.what)
        self._plane.ledger.changed.beat()

    def _view(self, sessions: dict[str, Session]) -> View:
        switch = self._switch
        self._memory.see(switch, self._plane.published_seq, time.monotonic())
        return self._memory.view(switch, self._plane.ledger.facts, sessions, self._timing)

    async def _append(self, sessions: dict[str, Session]) -> None:
        """Decide again with the log locked, so that nothing is decided on what is no longer so."""
        async with self._plane.ledger.turn(_BY) as turn:
            for step in next_steps(self._view(sessions), time.monotonic()):
                if isinstance(step, Append):
                    await turn.append(step.events)

"""The leader tells web hooks of switch events: each hook in order, and at its own pace."""

import asyncio
import random
from datetime import UTC, datetime
from itertools import count
from typing import Final

import httpx
import structlog

from controlplane.domain.event import Recorded
from controlplane.mirrors.runner import certificates
from controlplane.plane import ControlPlane
from controlplane.store.event_search import Search
from controlplane.webhooks.delivery import GIVEN_UP_AFTER_S, body_of, headers_of, wait_s
from controlplane.webhooks.hooks import WebHook

_logger = structlog.get_logger()

_GATHER_S: Final = 0.2
"""Events that come this close together are looked for once."""
_IDLE_S: Final = 5.0
_ANSWER_S: Final = 10.0
"""What a receiver gets to answer, all in all."""
_PAGE: Final = 50


async def tell_web_hooks(plane: ControlPlane) -> None:
    """Tell all that are configured, for ever; one that does not answer delays nobody else."""
    hooks = plane.settings.web_hooks
    plane.web_hook_failures = dict.fromkeys((hook.name for hook in hooks), 0)
    if not hooks:
        return
    async with (
        httpx.AsyncClient(
            timeout=_ANSWER_S, follow_redirects=False, verify=certificates()
        ) as client,
        asyncio.TaskGroup() as tasks,
    ):
        for hook in hooks:
            tasks.create_task(_Teller(plane, client, hook).tell())


class _Teller:
    """Tells one hook what comes after the last event that it has taken."""

    def __init__(self, plane: ControlPlane, client: httpx.AsyncClient, hook: WebHook) -> None:
        self._plane = plane
        self._client = client
        self._hook = hook
        self._place = f"webhook:{hook.name}"
        """Where its position stands among the publications; no topic can be called so."""

    async def tell(self) -> None:
        told = await self._begin()
        while True:
            end = self._plane.ledger.facts.seq
            if end <= told:
                await self._plane.ledger.changed.wait(_IDLE_S)
                continue
            await asyncio.sleep(_GATHER_S)
            wanted = Search(after=told, kinds=self._hook.events, limit=_PAGE)
            events = await self._plane.ledger.store.search(wanted)
            for recorded in events:
                await self._deliver(recorded)
                told = recorded.seq
                await self._plane.publications.move(self._place, told)
            if len(events) < _PAGE:
                told = max(told, end)

    async def _begin(self) -> int:
        """A hook that is new hears of what comes from now on."""
        told = await self._plane.publications.last(self._place)
        if not told:
            # 0 stands for a hook that is new, and the first event of a log is of no switch.
            told = max(self._plane.ledger.facts.seq, 1)
            await self._plane.publications.move(self._place, told)
        return told

    async def _deliver(self, recorded: Recorded) -> None:
        """Until the receiver takes it, or it is too old to be of use."""
        about = {"webhook": self._hook.name, "seq": recorded.seq, "kind": recorded.event.kind}
        for attempt in count(1):
            problem = await self._attempt(recorded)
            self._plane.web_hook_failures[self._hook.name] = 0 if problem is None else attempt
            if problem is None:
                _logger.info("webhook.told", **about)
                return
            age_s = await self._plane.ledger.store.seconds_since(recorded.recorded_at)
            if age_s > GIVEN_UP_AFTER_S:
                _logger.error("webhook.given_up", **about, detail=problem)
                return
            again_s = wait_s(attempt, random.random())  # noqa: S311 - nothing secret
            _logger.warning(
                "webhook.not_told", **about, attempt=attempt, detail=problem, again_s=again_s
            )
            await asyncio.sleep(again_s)

    async def _attempt(self, recorded: Recorded) -> str | None:
        """Send it once. What is returned, if it was not taken, holds neither address nor secret."""
        body = body_of(recorded)
        headers = headers_of(recorded, body, self._hook.key, datetime.now(UTC))
        try:
            async with (
                asyncio.timeout(_ANSWER_S),
                # As a stream: what the receiver has to say is not read, however long it is.
                self._client.stream(
                    "POST", self._hook.url, content=body, headers=headers
                ) as response,
            ):
                if response.is_success:
                    return None
                return f"the receiver answered {response.status_code}"
        except TimeoutError:
            return f"the receiver did not answer within {_ANSWER_S:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return f"the receiver cannot be reached ({type(error).__name__})"

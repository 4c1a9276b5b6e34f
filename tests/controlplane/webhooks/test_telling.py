"""Web hooks are told of a real log, on real Postgres, by HTTP on loopback."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import msgspec
import pytest
from structlog.testing import capture_logs

from controlplane.domain.events import ScopeOpened
from controlplane.domain.switch.events import AbortRequested, SwitchAborted, SwitchRequested
from controlplane.ledger import Ledger
from controlplane.snapshot_keeper import SnapshotKeeper
from controlplane.store.event_store import Attribution, EventStore
from controlplane.store.publication import Publications
from controlplane.store.snapshots import Snapshots
from controlplane.webhooks import telling
from controlplane.webhooks.delivery import signature_of
from controlplane.webhooks.hooks import WebHook
from tests.controlplane.conftest import eventually, in_process
from tests.controlplane.nodes import serving_nodes
from tests.controlplane.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.environment

BY = Attribution(actor="user:test", reason="drill")
SECRET = f"whsec_{base64.b64encode(bytes(24)).decode()}"


def hook(receiver: Receiver, name: str = "pager") -> WebHook:
    return WebHook(name=name, url=receiver.url, secret=SECRET)


class Log:
    """A log in which switches are asked for and aborted."""

    def __init__(self, ledger: Ledger, engine) -> None:
        self.ledger = ledger
        self.publications = Publications(engine)

    async def asked_and_aborted(self, switch_id: str) -> list[int]:
        """Both numbers that a hook is told of."""
        requested = SwitchRequested(
            switch_id=switch_id,
            scope="main",
            from_cluster="main",
            to_cluster="failover",
            mode="planned",
            expected_epoch=0,
            budget_s=60,
            mirror_budget_s=20,
        )
        events = [
            requested,
            AbortRequested(switch_id=switch_id, at_phase="preflight", cause="drill"),
            SwitchAborted(switch_id=switch_id, cause="drill"),
        ]
        appended = await self.ledger.store.append(events, {}, BY)
        await self.ledger.catch_up()
        self.ledger.changed.beat()
        return [recorded.seq for recorded in appended]

    @asynccontextmanager
    async def led(self, *hooks: WebHook) -> AsyncIterator[None]:
        """A control plane that leads, as far as web hooks know."""
        self.plane = plane = SimpleNamespace(
            web_hook_failures={},
            ledger=self.ledger,
            publications=self.publications,
            settings=SimpleNamespace(web_hooks=hooks),
        )
        async with asyncio.TaskGroup() as tasks:
            leading = tasks.create_task(telling.tell_web_hooks(plane))
            for one in hooks:
                await eventually(lambda one=one: self._began(one))
            yield
            leading.cancel()

    async def _began(self, one: WebHook) -> bool:
        return await self.publications.last(f"webhook:{one.name}") > 0


@pytest.fixture
async def log(engine) -> Log:
    store = EventStore(engine)
    await store.append([ScopeOpened(scope="main", cluster="main")], {}, BY)
    return Log(await Ledger.open(store, SnapshotKeeper(Snapshots(engine), b"key")), engine)


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """No test waits for what a receiver is given."""
    monkeypatch.setattr(telling, "_GATHER_S", 0)
    monkeypatch.setattr(telling, "wait_s", lambda *_: 0)


async def has(receiver: Receiver, count: int) -> None:
    async def got() -> bool:
        return len(receiver.got) >= count

    await eventually(got)


async def test_each_event_is_told_once_in_order_and_signed(log):
    async with receiving() as receiver, log.led(hook(receiver)):
        seqs = await log.asked_and_aborted("s1") + await log.asked_and_aborted("s2")
        await has(receiver, 6)
    assert receiver.seqs == seqs
    for headers, body in receiver.got:
        message_id, seconds = headers["webhook-id"], headers["webhook-timestamp"]
        signature = signature_of(message_id, seconds, body, bytes(24))
        assert headers["webhook-signature"] == signature


async def test_what_was_before_a_hook_is_not_told(log):
    await log.asked_and_aborted("s1")
    async with receiving() as receiver, log.led(hook(receiver)):
        seqs = await log.asked_and_aborted("s2")
        await has(receiver, 3)
    assert receiver.seqs == seqs


async def test_the_next_leader_goes_on_where_the_one_before_stopped(log):
    async with receiving() as receiver:
        async with log.led(hook(receiver)):
            first = await log.asked_and_aborted("s1")
            await has(receiver, 3)

            async def kept() -> bool:
                return await log.publications.last("webhook:pager") == first[-1]

            await eventually(kept)
        while_nobody_led = await log.asked_and_aborted("s2")
        async with log.led(hook(receiver)):
            await has(receiver, 6)
    assert receiver.seqs == first + while_nobody_led


async def test_what_is_not_taken_comes_again_with_its_id(log):
    async with receiving(500, 302, 404) as receiver, log.led(hook(receiver)):
        seqs = await log.asked_and_aborted("s1")
        await has(receiver, 6)
    assert receiver.seqs == [seqs[0]] * 3 + seqs
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 3


async def test_a_receiver_that_is_dead_or_mute_delays_no_other(log):
    async with receiving(0, 0, 0) as mute, receiving() as dead, receiving() as alive:
        hooks = [hook(mute, "mute"), hook(dead, "dead"), hook(alive, "alive")]
        dead.url = "http://127.0.0.1:1/"
        hooks[1] = hook(dead, "dead")
        async with log.led(*hooks):
            seqs = await log.asked_and_aborted("s1")
            await has(alive, 3)

            async def dead_is_told_of() -> bool:
                return log.plane.web_hook_failures["dead"] > 0

            await eventually(dead_is_told_of)
            assert log.plane.web_hook_failures["alive"] == 0
    assert alive.seqs == seqs
    assert mute.seqs == seqs[:1]


async def test_a_mute_receiver_is_asked_again(log, monkeypatch):
    monkeypatch.setattr(telling, "_ANSWER_S", 0.1)
    async with receiving(0) as receiver, log.led(hook(receiver)):
        seqs = await log.asked_and_aborted("s1")
        await has(receiver, 4)
    assert receiver.seqs == seqs[:1] + seqs


async def test_what_is_too_old_is_given_up_and_told_in_the_log(log, monkeypatch):
    monkeypatch.setattr(telling, "GIVEN_UP_AFTER_S", -1)
    with capture_logs() as told:
        async with receiving(500) as receiver, log.led(hook(receiver)):
            seqs = await log.asked_and_aborted("s1")
            await has(receiver, 3)
    assert receiver.seqs == seqs
    given_up = [line for line in told if line["event"] == "webhook.given_up"]
    assert [line["seq"] for line in given_up] == seqs[:1]


async def test_no_log_line_has_an_address_or_a_secret(log):
    with capture_logs() as told:
        async with receiving(500) as receiver, log.led(hook(receiver)):
            await log.asked_and_aborted("s1")
            await has(receiver, 4)
    assert {"webhook.told", "webhook.not_told"} <= {line["event"] for line in told}
    assert "T0KEN" not in str(told)
    assert SECRET not in str(told)


async def test_a_control_plane_that_leads_tells_of_its_switches(variables):
    switch = "/admin/pclusters/v1/pcluster/main/switch"
    async with receiving() as receiver:
        hooks = msgspec.json.encode([hook(receiver)]).decode()
        async with (
            in_process(variables, INTERLOCK_WEBHOOKS=hooks) as plane,
            serving_nodes(plane),
        ):
            answer = await plane.client.post(switch, params={"to": "failover", "wait": "none"})
            assert answer.status_code == 200
            await has(receiver, 5)
            told = (await plane.client.get("/metrics")).text
            assert 'interlock_webhook_failures{webhook="pager"} 0.0' in told
    types = [msgspec.json.decode(body)["type"] for _, body in receiver.got]
    assert types == [
        "switch.requested",
        "switch.fence_ordered",
        "switch.loss_recorded",
        "switch.committed",
        "switch.completed",
    ]

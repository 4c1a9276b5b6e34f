"""A control plane starts with a snapshot that its database keeps, on real Postgres."""

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from controlplane.domain.events import ScopeOpened, TopicMapped, VirtualClusterCreated
from controlplane.ledger import Ledger
from controlplane.snapshot_keeper import SnapshotKeeper
from controlplane.store.event_store import Attribution, EventStore
from controlplane.store.snapshots import Snapshots
from tests.controlplane.conftest import eventually, in_process
from tests.controlplane.histories import everything_in

pytestmark = pytest.mark.environment

BY = Attribution(actor="user:test")
KEY = b"a key of the tests"


def topic(number: int) -> TopicMapped:
    return TopicMapped(
        vcluster="teamA",
        logical=f"t{number}",
        physical=f"teamAt{number}",
        partitions=1,
        replication_factor=1,
        configs={},
    )


class Reading(EventStore):
    """Notes how many events are read."""

    count = 0

    async def read(self, after: int, limit: int = 5000):
        found = await super().read(after, limit)
        self.count += len(found)
        return found


async def start(engine, key: bytes = KEY) -> tuple[Ledger, int, list[str]]:
    """A ledger, how many events it read, and what it told."""
    store = Reading(engine)
    with capture_logs() as told:
        ledger = await Ledger.open(store, SnapshotKeeper(Snapshots(engine), key))
    return ledger, store.count, [line["event"] for line in told]


async def filled(engine) -> Ledger:
    """A log with a snapshot of its first 52 events, and three after it."""
    await EventStore(engine).append(
        [
            ScopeOpened(scope="main", cluster="main"),
            VirtualClusterCreated(name="teamA", scope="main", cluster_id="x"),
            *map(topic, range(50)),
        ],
        {},
        BY,
    )
    ledger, _, _ = await start(engine)
    head = bytes.fromhex(ledger.head().hash)
    await SnapshotKeeper(Snapshots(engine), KEY).keep(ledger.facts, head)
    await ledger.store.append(list(map(topic, range(50, 53))), {}, BY)
    await ledger.catch_up()
    return ledger


async def test_only_what_came_since_is_read_and_no_history_is_told_again(engine):
    ledger = await filled(engine)
    again, read, told = await start(engine)
    assert (read, told) == (3, ["snapshot.used", "log.read"])
    assert everything_in(again.facts) == everything_in(ledger.facts)
    assert again.head() == ledger.head()


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE interlock.fold_snapshot SET hash = decode(repeat('00', 32), 'hex')",
        "UPDATE interlock.fold_snapshot SET seq = 51",
        "UPDATE interlock.fold_snapshot SET seq = 99",
        "UPDATE interlock.fold_snapshot SET content = content || 'x'",
        "UPDATE interlock.fold_snapshot SET format = 'of another release'",
    ],
)
async def test_what_does_not_fit_is_told_and_all_is_read_as_before(engine, harm):
    ledger = await filled(engine)
    async with engine.begin() as connection:
        await connection.execute(sa.text(harm))
    again, read, told = await start(engine)
    assert (read, told) == (55, ["snapshot.not_used", "log.read"])
    assert everything_in(again.facts) == everything_in(ledger.facts)


async def test_an_older_one_that_fits_is_used_in_place_of_a_newer_one_that_does_not(engine):
    ledger = await filled(engine)
    keeper = SnapshotKeeper(Snapshots(engine), b"another key")
    await keeper.keep(ledger.facts, bytes.fromhex(ledger.head().hash))
    _, read, told = await start(engine)
    assert (read, told) == (3, ["snapshot.not_used", "snapshot.used", "log.read"])


async def test_of_many_two_are_kept(engine):
    ledger, keeper = await filled(engine), SnapshotKeeper(Snapshots(engine), KEY)
    for number in range(60, 63):
        await ledger.store.append([topic(number)], {}, BY)
        await ledger.catch_up()
        await keeper.keep(ledger.facts, bytes.fromhex(ledger.head().hash))
    async with engine.connect() as connection:
        statement = sa.text("SELECT seq FROM interlock.fold_snapshot ORDER BY seq")
        assert list((await connection.execute(statement)).scalars()) == [57, 58]


async def test_who_leads_keeps_one_every_so_many_events(engine, variables):
    async with in_process(variables, INTERLOCK_SNAPSHOT_EVERY="4") as plane:
        for number in range(4):
            await plane.client.post("/api/v1/virtual-clusters", json={"name": f"team{number}"})

        async def is_kept() -> bool:
            _, read, told = await start(engine, bytes(32))
            return "snapshot.used" in told and read < 4

        await eventually(is_kept)

"""The parts of one control plane, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from contract.issuer_keys import IssuerKeys
from contract.server_certificate import ServerCertificate
from controlplane.copies import Copies
from controlplane.domain.mirror.tending import Tended
from controlplane.domain.topic_ids import IdsOfTopics
from controlplane.issuer import REFRESH_S
from controlplane.ledger import Ledger
from controlplane.mirrors.flow import Sightings
from controlplane.pulse import Pulse
from controlplane.settings import Settings
from controlplane.snapshot_keeper import SnapshotKeeper
from controlplane.store.clients import NodeClients
from controlplane.store.database import open_engine
from controlplane.store.event_store import EventStore
from controlplane.store.publication import Publications
from controlplane.store.sessions import Sessions
from controlplane.store.snapshots import Snapshots
from controlplane.store.watches import Pair, Watches


class ControlPlane:
    """What the API, the coordinator and the publisher work with."""

    def __init__(
        self, settings: Settings, engine: AsyncEngine, ledger: Ledger, snapshots: SnapshotKeeper
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.ledger = ledger
        self.snapshots = snapshots
        self.sessions = Sessions(engine)
        self.clients = NodeClients(engine)
        self.copies = Copies(ledger, self.sessions, settings.control_cluster)
        self.publications = Publications(engine)
        self.watches = Watches(engine)
        self.written = Pulse()
        """Beats when Postgres says that somebody wrote to the log."""
        self.leading = False
        self.mirror_seen: Sightings | None = None
        """What this control plane, while it leads, last saw of records on their way."""
        self.not_watched: dict[Pair, str] = {}
        """Replicas that this control plane, while it leads, cannot look at, and why."""
        self.mirror_tended = Tended()
        """How this control plane, while it leads, found the mirror that it manages."""
        self.mirror_refills = False
        """Whether this control plane, while it leads, has the mirror begin anew with topics."""
        self.topic_ids: dict[str, IdsOfTopics] = {}
        """By cluster: what this control plane, while it leads, was last told of its topics."""
        self.web_hook_failures: dict[str, int] = {}
        """By web hook: how often, while this control plane leads, it did not take what is due."""
        issuer = settings.issuer
        self.issuer_keys = (
            IssuerKeys(issuer.url, REFRESH_S, issuer.read_keys)
            if issuer is not None
            else IssuerKeys(None, REFRESH_S)
        )
        """Of those who sign users' tokens."""
        files = settings.certificate_files
        self.certificate = ServerCertificate(files) if files is not None else None
        """What callers of the API are shown; None: it speaks plain HTTP."""
        self.published_seq = 0
        """What this control plane, while it leads, knows the control topic to hold."""


@asynccontextmanager
async def open_plane(settings: Settings) -> AsyncIterator[ControlPlane]:
    """Connect to a database whose schema is up to date, and read the log.

    Raises:
        UnusableCertificateError: the API cannot be served with what GATEWAY_HTTPS_* name.
    """
    engine = open_engine(settings.database_url.get_secret_value())
    try:
        snapshots = SnapshotKeeper(Snapshots(engine), settings.token_key)
        ledger = await Ledger.open(
            EventStore(engine), snapshots, settings.interlock_crash_at, settings.interlock_stop_at
        )
        yield ControlPlane(settings, engine, ledger, snapshots)
    finally:
        await engine.dispose()

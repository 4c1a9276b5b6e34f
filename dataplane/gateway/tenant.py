"""Who a client is, and what of the physical cluster it sees."""

from collections import defaultdict

from contract.fold import ControlState
from contract.records import Cluster, Face, Routing, VirtualCluster
from dataplane.gateway.accounts import Account
from dataplane.gateway.aliases import Aliases
from dataplane.gateway.recorded import Recorded
from dataplane.gateway.scope import Scope
from dataplane.gateway.tallies import Tally
from dataplane.sasl.proof import Proof
from dataplane.virtual.own_topics import OwnTopics
from dataplane.virtual.view import Listener, View


class Views:
    """The view of each virtual cluster on each physical cluster, made when first asked for."""

    def __init__(
        self,
        control: ControlState,
        aliases: Aliases,
        recorded: Recorded,
        *,
        advertised_host: str,
        port_start: int,
    ) -> None:
        """Slot n is advertised at `advertised_host`, port `port_start` plus n."""
        self._control = control
        self._aliases = aliases
        self._recorded = recorded
        self._host = advertised_host
        self._port_start = port_start
        self.made: dict[tuple[str, str, int], View] = {}
        """Another one after each `forget`: who keeps a view looks whether it still is this one."""
        self._own_topics: dict[str, OwnTopics] = defaultdict(OwnTopics)
        """By virtual cluster; not forgotten."""

    def of(self, vcluster: VirtualCluster, routing: Routing) -> View:
        """The view of a virtual cluster while it is served as the routing says."""
        key = (vcluster.name, routing.cluster, routing.epoch)
        view = self.made.get(key)
        if view is None:
            view = self.made[key] = self._make(vcluster, routing.cluster, routing.epoch)
        return view

    def forget(self) -> None:
        """A cluster was described anew: make the views again when asked."""
        self.made = {}

    def _make(self, vcluster: VirtualCluster, cluster: str, epoch: int) -> View:
        face = self._control.get("face")
        physical = self._control.get(f"cluster/{cluster}")
        if not isinstance(face, Face) or not isinstance(physical, Cluster):
            raise LookupError(  # noqa: TRY004 - a record that is missing, not one of a wrong type
                f"cluster {cluster} has not been described by the control plane"
            )
        listeners = tuple(
            Listener(self._host, self._port_start + slot) for slot in range(face.slots)
        )
        aliases = self._aliases.of(vcluster.name)
        aliased = {alias.physical for alias in aliases}
        return View(
            vcluster=vcluster.name,
            cluster_id=vcluster.cluster_id,
            listeners=listeners,
            brokers=physical.brokers,
            cluster_index=physical.index,
            epoch=epoch,
            moved_ids=self._recorded.topic_ids.of(vcluster.scope, epoch),
            aliases=aliases,
            last_writes=self._recorded.producers.of(vcluster.scope),
            identities=self._recorded.identities.of(vcluster.scope, epoch),
            numbers=self._recorded.numbers.of(vcluster.scope, epoch, vcluster.name, aliased),
            own_topics=self._own_topics[vcluster.name],
        )


class Tenant:
    """An authenticated user of a virtual cluster."""

    __slots__ = (
        "_routing",
        "_seen",
        "_view",
        "_views",
        "account",
        "proof",
        "scope",
        "tally",
        "user",
        "vcluster",
    )

    def __init__(
        self,
        vcluster: VirtualCluster,
        proof: Proof,
        scope: Scope,
        views: Views,
        *,
        account: Account,
        tally: Tally,
    ) -> None:
        self.vcluster = vcluster
        self.user = proof.user
        self.proof = proof
        """What it has shown last; it may be taken back, and renewed."""
        self.scope = scope
        self._views = views
        self.account = account
        self.tally = tally
        """Where its virtual cluster's requests are counted."""
        self._view: View | None = None
        """The last one that was asked for, and what it was made by."""
        self._routing: Routing | None = None
        self._seen = views.made

    @property
    def view(self) -> View:
        """The virtual cluster on the physical cluster that serves it now.

        Raises:
            LookupError: nothing serves it yet, or what does has not been described.
        """
        routing = self.scope.routing
        view = self._view
        if view is None or routing is not self._routing or self._views.made is not self._seen:
            if routing is None:
                raise LookupError(f"scope {self.scope.name} has no routing yet")
            view = self._views.of(self.vcluster, routing)
            self._view, self._routing, self._seen = view, routing, self._views.made
        return view

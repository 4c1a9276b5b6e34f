"""Everything that the log adds up to: the one fold that decisions are made on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from contract.fold import ControlState
from contract.records import (
    Cluster,
    Face,
    Record,
    Routing,
    TopicAlias,
    TopicMapping,
    VirtualCluster,
)
from controlplane.domain import events
from controlplane.domain.event import Recorded
from controlplane.domain.mirror import events as mirror
from controlplane.domain.mirror import state as reversals
from controlplane.domain.mirror.own_topics import mirror_topics
from controlplane.domain.projection import reconciled, record_of
from controlplane.domain.scope_topics import ScopeTopics
from controlplane.domain.switch.events import SwitchEvent
from controlplane.domain.switch.state import Switch, after, cut_short
from controlplane.domain.topic_history import TopicHistory


class Facts:
    """The state after the events up to `seq`."""

    def __init__(self, log: str) -> None:
        self.log = log
        """Identity of the log."""
        self.seq = 0
        self.as_of: datetime | None = None
        """When the newest event was recorded."""
        self.control = ControlState()
        """What nodes know, or will know."""
        self.versions: dict[str, int] = {}
        """Number of events by stream."""
        self.names_ever: set[str] = set()
        """Every virtual cluster's name, deleted ones included."""
        self._tenants: dict[str, set[str]] = {}
        """By scope, the names of its virtual clusters; `put_tenant` adds one. No set is empty."""
        self.api_versions: dict[str, dict[int, tuple[int, int]]] = {}
        """By physical cluster."""
        self.switches: dict[str, Switch] = {}
        """By id, in order of request; `put_switch` changes it."""
        self.outcomes = Counter[str]()
        """How switches have ended: `completed`, `aborted` or `rejected`."""
        self._open_switches: dict[str, Switch] = {}
        self._committed: dict[str, str] = {}
        """By scope, the newest switch that was committed."""
        self.reversals: dict[str, reversals.Reversal] = {}
        """Of the mirror, by id, in order of request; `put_reversal` changes it."""
        self._open_reversals: dict[str, reversals.Reversal] = {}
        self._newest_reversal: dict[str, str] = {}
        """By scope."""
        self._reversal_after: dict[str, str] = {}
        """By switch, the newest."""
        self.circles: set[str] = set()
        """Scopes whose mirror copies in both directions."""
        self.first_cluster: dict[str, str] = {}
        """What served each scope at first."""
        self.topics_seq = 0
        """The newest event that a topic came to be, or is gone, or that a virtual cluster came to
        be: it has all that is under its name already."""
        self.topic_history = TopicHistory()
        self.grants: dict[tuple[str, str, str], Literal["read", "write"]] = {}
        """Owner, its topic's logical name and grantee, to what the grantee may do."""
        self.node_tokens: dict[tuple[str, str], str] = {}
        """Digests of nodes' tokens that are good, by the node's and the token's id."""
        self.shown_tokens: dict[str, str] = {}
        """By node, the id of its own token that it showed when it was registered last."""
        self.rebuild_seq = 0
        """The newest request to write the control topic anew."""
        self.reconciled_seq = 0
        """The newest event that took back what was broadcast: what happened before it is not all
        known."""

    def apply(self, recorded: Recorded) -> Record | None:
        """Take the next event in; the control record that it makes, if it makes one."""
        skips = isinstance(recorded.event, events.LogReconciled) and recorded.seq > self.seq
        if recorded.seq != self.seq + 1 and not skips:
            raise ValueError(f"event {recorded.seq} does not follow event {self.seq}")
        self.seq, self.as_of = recorded.seq, recorded.recorded_at
        self.versions[recorded.event.stream] = recorded.version
        moving = self._remember(recorded)
        record = record_of(self.log, recorded, self.control, moving)
        if record is not None:
            self.control.apply(record)
        return record

    def check(self, appended: Sequence[Recorded]) -> None:
        """Make sure that these can follow, before they are there for ever.

        Raises:
            IllegalTransitionError: one of them cannot happen to its switch or reversal.
        """
        switches, turns = dict[str, Switch](), dict[str, reversals.Reversal]()
        for recorded in appended:
            match recorded.event:
                case SwitchEvent(switch_id=id_):
                    known = switches.get(id_) or self.switches.get(id_)
                    switches[id_] = after(known, recorded)
                case mirror.ReversalEvent(reversal_id=id_):
                    turn = turns.get(id_) or self.reversals.get(id_)
                    turns[id_] = reversals.after(turn, recorded)
                case _:
                    pass

    def _remember(self, recorded: Recorded) -> Switch | None:  # noqa: C901, PLR0912 - one line for each event
        match recorded.event:
            case events.VirtualClusterCreated(name=name, scope=scope):
                self.names_ever.add(name)
                self.put_tenant(name, scope)
                self.topics_seq = recorded.seq
            case events.ClusterDescribed(name=name, api_versions=api_versions):
                self.api_versions[name] = api_versions
            case events.TopicMapped() as event:
                self.topics_seq = recorded.seq
                self.topic_history.mapped(event, recorded)
            case events.TopicUnmapped() as event:
                self.topics_seq = recorded.seq
                self.topic_history.unmapped(event, recorded)
            case events.VirtualClusterDeleted(name=name):
                self._remove_tenant(name)
                self.topic_history.vcluster_deleted(name)
            case events.TopicGranted(owner=owner, logical=logical, grantee=grantee, access=access):
                self.grants[owner, logical, grantee] = access
            case events.TopicGrantRevoked(owner=owner, logical=logical, grantee=grantee):
                self.grants.pop((owner, logical, grantee), None)
            case events.NodeTokenIssued(node_id=node_id, token_id=token_id, digest=digest):
                self.node_tokens[node_id, token_id] = digest
            case events.NodeTokenRevoked(node_id=node_id, token_id=token_id):
                self.node_tokens.pop((node_id, token_id), None)
            case events.NodeRegistered(node_id=node_id, token_id=token_id):
                self.shown_tokens.pop(node_id, None)
                if token_id is not None:
                    self.shown_tokens[node_id] = token_id
            case events.RebuildRequested():
                self.rebuild_seq = recorded.seq
            case events.LogReconciled() as event:
                self._take_back(event, recorded)
            case events.ScopeOpened() | events.ScopeAdded():
                self.first_cluster[recorded.event.scope] = recorded.event.cluster
            case mirror.ReversalEvent(reversal_id=reversal_id):
                known = self.reversals.get(reversal_id)
                self.put_reversal(reversals.after(known, recorded))
            case mirror.CircleDetected(scope=scope):
                self.circles.add(scope)
            case mirror.CircleEnded(scope=scope):
                self.circles.discard(scope)
            case SwitchEvent(switch_id=switch_id):
                switch = after(self.switches.get(switch_id), recorded)
                self.put_switch(switch)
                return switch
            case _:
                pass
        return None

    def _take_back(self, event: events.LogReconciled, recorded: Recorded) -> None:
        """What was broadcast is so; what is known of the way there ends here."""
        self.log = event.log
        self.reconciled_seq = self.topics_seq = recorded.seq
        self.control = reconciled(event, recorded.seq)
        self._tenants = {}
        for tenant in self.control.of(VirtualCluster):
            self.names_ever.add(tenant.name)
            self.put_tenant(tenant.name, tenant.scope)
        for routing in self.control.of(Routing):
            # The mirror's first direction is from there: what it was turned to since is not known.
            self.first_cluster[routing.scope] = routing.cluster
        for switch in list(self.open_switches()):
            served = self.routing(switch.scope)
            epoch = served.epoch if served is not None else 0
            self.put_switch(cut_short(switch, recorded, epoch))
        for reversal in list(self._open_reversals.values()):
            self.put_reversal(reversals.cut_short(reversal, recorded))

    def put_tenant(self, name: str, scope: str) -> None:
        """A virtual cluster is bound to a scope."""
        self._tenants.setdefault(scope, set()).add(name)

    def _remove_tenant(self, name: str) -> None:
        for scope, names in list(self._tenants.items()):
            names.discard(name)
            if not names:
                del self._tenants[scope]

    def put_switch(self, switch: Switch) -> None:
        """A switch stands so from now on."""
        known = self.switches.get(switch.switch_id)
        self.switches[switch.switch_id] = switch
        if switch.commit_seq is not None and (known is None or known.commit_seq is None):
            self._committed[switch.scope] = switch.switch_id
        if switch.open:
            self._open_switches[switch.switch_id] = switch
        elif known is None or known.open:
            self._open_switches.pop(switch.switch_id, None)
            self.outcomes["rejected" if switch.rejected else switch.phase.value] += 1

    def put_reversal(self, reversal: reversals.Reversal) -> None:
        """A reversal of the mirror stands so from now on."""
        if reversal.reversal_id not in self.reversals:
            self._newest_reversal[reversal.scope] = reversal.reversal_id
            self._reversal_after[reversal.switch_id] = reversal.reversal_id
        self.reversals[reversal.reversal_id] = reversal
        if reversal.open:
            self._open_reversals[reversal.reversal_id] = reversal
        else:
            self._open_reversals.pop(reversal.reversal_id, None)

    def cluster(self, name: str) -> Cluster | None:
        """A physical cluster that was described."""
        state = self.control.get(f"cluster/{name}")
        return state if isinstance(state, Cluster) else None

    def face(self) -> Face | None:
        """What clients see, once it is decided."""
        state = self.control.get("face")
        return state if isinstance(state, Face) else None

    def routing(self, scope: str) -> Routing | None:
        """Where a scope is served; None if there is no such scope."""
        state = self.control.get(f"routing/{scope}")
        return state if isinstance(state, Routing) else None

    def topics_of(self, vcluster: str) -> list[TopicMapping]:
        """A virtual cluster's topics, by name."""
        return list(self.control.of_owner(TopicMapping, vcluster))

    def aliases_of(self, vcluster: str) -> list[TopicAlias]:
        """A virtual cluster's names for topics of others, by name."""
        return list(self.control.of_owner(TopicAlias, vcluster))

    def tenants_of(self, scope: str) -> frozenset[str]:
        """Names of the virtual clusters that are bound to a scope."""
        return frozenset(self._tenants.get(scope, ()))

    def inhabited_scopes(self) -> list[str]:
        """Scopes that virtual clusters are bound to, by name."""
        return sorted(self._tenants)

    def topics_in(self, *scopes: str) -> ScopeTopics:
        """The topics that virtual clusters of scopes see, whether or not we were told of them."""
        tenants = frozenset[str]().union(*map(self.tenants_of, scopes))
        aliases = (alias.physical for name in tenants for alias in self.aliases_of(name))
        return ScopeTopics(tenants, aliases, self.mirror_topics())

    def known_topics_in(self, scope: str) -> list[TopicMapping]:
        """Those of them that we were told of, but for aliases."""
        tenants = sorted(self.tenants_of(scope))
        return [topic for name in tenants for topic in self.topics_of(name)]

    def known_partitions_in(self, scope: str) -> frozenset[str]:
        """Their partitions, as `topic-n`."""
        topics = self.known_topics_in(scope)
        return frozenset(f"{t.physical}-{n}" for t in topics for n in range(t.partitions))

    def mirror_topics(self) -> frozenset[str]:
        """What the mirrors between all clusters keep for themselves."""
        return mirror_topics(cluster.name for cluster in self.control.of(Cluster))

    def owner_of(self, physical: str) -> str | None:
        """The virtual cluster that a physical topic belongs to, by its prefix; None for none's."""
        beginnings = (physical[:length] for length in range(1, len(physical) + 1))
        return next((name for name in beginnings if name in self.names_ever), None)

    def open_switches(self) -> Iterator[Switch]:
        """Switches that have not ended."""
        return iter(self._open_switches.values())

    def open_switch(self, scope: str) -> Switch | None:
        """The switch under way in a scope; there is never more than one."""
        return next((s for s in self.open_switches() if s.scope == scope), None)

    def newest_committed(self, scope: str) -> Switch | None:
        """The newest switch of a scope that was committed."""
        switch_id = self._committed.get(scope)
        return self.switches[switch_id] if switch_id is not None else None

    def open_reversal(self, scope: str) -> reversals.Reversal | None:
        """The reversal of a scope's mirror that has not ended; there is never more than one."""
        return next((r for r in self._open_reversals.values() if r.scope == scope), None)

    def reversal_after(self, switch_id: str) -> reversals.Reversal | None:
        """The newest reversal of the mirror that a switch made necessary."""
        reversal_id = self._reversal_after.get(switch_id)
        return self.reversals[reversal_id] if reversal_id is not None else None

    def newest_reversal(self, scope: str) -> reversals.Reversal | None:
        """The one that was asked for last, and none from before the log was reconciled."""
        reversal_id = self._newest_reversal.get(scope)
        newest = self.reversals[reversal_id] if reversal_id is not None else None
        if newest is None or newest.requested_seq < self.reconciled_seq:
            return None
        return newest

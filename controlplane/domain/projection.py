"""Events to control records: at most one each, so that a `seq` stands for one change."""

import msgspec

from contract.fold import ControlState
from contract.records import (
    Cluster,
    Face,
    Identities,
    Node,
    Offsets,
    Producers,
    Record,
    Routing,
    ServiceAccount,
    State,
    TopicAlias,
    TopicIds,
    TopicMapping,
    VirtualCluster,
    key_of,
)
from controlplane.domain import events
from controlplane.domain.event import Recorded
from controlplane.domain.switch import events as switch
from controlplane.domain.switch.state import Switch

ROUTING_KINDS = (
    "scope.opened",
    "scope.added",
    "switch.fence_ordered",
    "switch.committed",
    "switch.aborted",
    "log.reconciled",
)
"""Events that open or close a scope: the newest is what a lease has to have seen. Quiescing does
neither, so no lease waits for it."""


def record_of(
    log: str, recorded: Recorded, before: ControlState, moving: Switch | None
) -> Record | None:
    """The control record that an event makes of the state before it, or None.

    `moving` is the switch that the event is about, with the event in it.
    """
    gone = _gone(recorded)
    if gone is not None:
        return Record(log=log, seq=recorded.seq, key=gone, state=None)
    state = _state(recorded) or _changed(recorded, before) or _routing(recorded, before, moving)
    if state is None:
        return None
    return Record(log=log, seq=recorded.seq, key=key_of(state), state=state)


def reconciled(event: events.LogReconciled, seq: int) -> ControlState:
    """The control state that was broadcast, as it is from the event of that `seq` on.

    A scope that was about to be switched is served as before: of a switch that nobody committed
    there is nobody to carry it on.
    """
    control = ControlState()
    for record in event.records:
        state = record.state
        if isinstance(state, Routing) and _is_held_up(state):
            serving = msgspec.structs.replace(
                state, state="serving", holds_transactions=False, withholds_records=False
            )
            control.apply(msgspec.structs.replace(record, seq=seq, state=serving))
        else:
            control.apply(record)
    return control


def _is_held_up(routing: Routing) -> bool:
    return routing.state != "serving" or routing.holds_transactions or routing.withholds_records


def _gone(recorded: Recorded) -> str | None:  # noqa: PLR0911 - one line for each event
    match recorded.event:
        case events.VirtualClusterDeleted(name=name):
            return f"vcluster/{name}"
        case events.TopicUnmapped(vcluster=vcluster, logical=logical):
            return f"topic/{vcluster}/{logical}"
        case events.TopicUnaliased(vcluster=vcluster, logical=logical):
            return f"alias/{vcluster}/{logical}"
        case events.NodeDeregistered(node_id=node_id):
            return f"node/{node_id}"
        case switch.ProducersRecorded(physical=physical, writers=()):
            return f"producers/{physical}"
        case switch.OffsetsNumbered(scope=scope, physical=physical, partitions=(), before=()):
            return f"offsets/{scope}/{physical}"
        case switch.IdentitiesRecorded(identities=()) as unneeded:
            return f"identities/{unneeded.scope}/{unneeded.epoch}/{unneeded.part}"
        case _:
            return None


def _state(  # noqa: C901, PLR0911 - one line for each event
    recorded: Recorded,
) -> State | None:
    match recorded.event:
        case events.VirtualClusterCreated(name=name, scope=scope, cluster_id=cluster_id):
            return VirtualCluster(name=name, scope=scope, cluster_id=cluster_id)
        case events.ServiceAccountCreated(vcluster=vcluster, name=name):
            return ServiceAccount(vcluster=vcluster, name=name)
        case events.ClusterDescribed() as described:
            return Cluster(
                name=described.name,
                index=described.index,
                role=described.role,
                cluster_id=described.cluster_id,
                brokers=described.brokers,
            )
        case events.FaceDecided(slots=slots, api_versions=api_versions):
            return Face(slots=slots, api_versions=api_versions)
        case events.TopicAliased() as aliased:
            return _alias(aliased, recorded)
        case switch.ProducersRecorded() as found:
            return Producers(
                scope=found.scope,
                physical=found.physical,
                recorded_at=found.recorded_at,
                writers=found.writers,
            )
        case switch.OffsetsNumbered() as found:
            return Offsets(
                scope=found.scope,
                physical=found.physical,
                epoch=found.epoch,
                partitions=found.partitions,
                before=found.before,
            )
        case switch.IdentitiesRecorded() as found:
            return Identities(
                scope=found.scope, epoch=found.epoch, part=found.part, identities=found.identities
            )
        case switch.TopicIdsRecorded() as found:
            return TopicIds(scope=found.scope, epoch=found.epoch, pairs=found.pairs)
        case events.NodeRegistered(node_id=node_id, incarnation=incarnation):
            return Node(node_id=node_id, incarnation=incarnation)
        case _:
            return None


def _changed(  # noqa: PLR0911 - one line for each event
    recorded: Recorded, before: ControlState
) -> State | None:
    """A tenant, an account or a topic with something about it changed, the rest as it was."""
    match recorded.event:
        case events.TopicMapped() as mapped:
            return _topic(mapped, recorded, before)
        case events.PolicySet(name=name, policy=policy):
            return msgspec.structs.replace(_tenant(before, name), policy=policy)
        case events.ServiceAccountRevoked(vcluster=vcluster, name=name, revoked_at=revoked_at):
            account = _account(before, vcluster, name)
            return msgspec.structs.replace(
                account, revoked_at=revoked_at, external_names=(), scram={}, sealed_scram=b""
            )
        case events.ScramVerifiersSet(vcluster=vcluster, name=name, verifiers=verifiers):
            account = _account(before, vcluster, name)
            return msgspec.structs.replace(account, scram=verifiers, sealed_scram=b"")
        case events.ScramVerifiersSealed(vcluster=vcluster, name=name, sealed_scram=sealed):
            account = _account(before, vcluster, name)
            return msgspec.structs.replace(account, scram={}, sealed_scram=sealed)
        case events.ExternalNamesSet(vcluster=vcluster, name=name, external_names=names):
            return msgspec.structs.replace(_account(before, vcluster, name), external_names=names)
        case events.ServiceAccountRestricted() as event:
            account = _account(before, event.vcluster, event.name)
            return msgspec.structs.replace(account, read_only=event.read_only, limits=event.limits)
        case _:
            return None


def _tenant(before: ControlState, name: str) -> VirtualCluster:
    state = before.get(f"vcluster/{name}")
    if not isinstance(state, VirtualCluster):
        raise TypeError(f"there is no virtual cluster {name} to change")
    return state


def _account(before: ControlState, vcluster: str, name: str) -> ServiceAccount:
    state = before.get(f"account/{vcluster}/{name}")
    if isinstance(state, ServiceAccount):
        return state
    return ServiceAccount(vcluster=vcluster, name=name)


def _topic(mapped: events.TopicMapped, recorded: Recorded, before: ControlState) -> TopicMapping:
    known = before.get(f"topic/{mapped.vcluster}/{mapped.logical}")
    since = known.anew_since if isinstance(known, TopicMapping) else 0
    return TopicMapping(
        vcluster=mapped.vcluster,
        logical=mapped.logical,
        physical=mapped.physical,
        partitions=mapped.partitions,
        replication_factor=mapped.replication_factor,
        configs=mapped.configs,
        created_at=int(recorded.recorded_at.timestamp() * 1000),
        anew_since=recorded.seq if mapped.anew else since,
    )


def _alias(aliased: events.TopicAliased, recorded: Recorded) -> TopicAlias:
    return TopicAlias(
        vcluster=aliased.vcluster,
        logical=aliased.logical,
        physical=aliased.physical,
        read_only=aliased.read_only,
        partitions=aliased.partitions,
        replication_factor=aliased.replication_factor,
        created_at=int(recorded.recorded_at.timestamp() * 1000),
    )


def _routing(  # noqa: PLR0911 - one line for each event
    recorded: Recorded, before: ControlState, moving: Switch | None
) -> Routing | None:
    event = recorded.event
    if isinstance(event, events.ScopeOpened | events.ScopeAdded):
        return Routing(scope=event.scope, cluster=event.cluster, epoch=0, state="serving", term=0)
    if moving is None:
        return None
    now = before.get(f"routing/{moving.scope}")
    if not isinstance(now, Routing):
        raise TypeError(f"event {recorded.seq}: no scope {moving.scope} to switch")
    routed = msgspec.structs.replace(
        now,
        term=moving.term,
        switch_id=moving.switch_id,
        holds_transactions=False,
        withholds_records=False,
    )
    match event:
        case switch.QuiesceOrdered():
            held = moving.hold_seq is not None
            return msgspec.structs.replace(routed, state="quiescing", holds_transactions=held)
        case switch.TransactionsHeld():
            # Serving as ever, if transactions get time before clients are asked to come to rest.
            return msgspec.structs.replace(routed, holds_transactions=True)
        case switch.FenceOrdered():
            return msgspec.structs.replace(routed, state="fenced")
        case switch.SwitchCommitted(epoch=epoch):
            return msgspec.structs.replace(
                routed,
                state="serving",
                cluster=moving.to_cluster,
                epoch=epoch,
                withholds_records=moving.awaits_members,
            )
        case switch.MembersReturned() | switch.SwitchAborted():
            return msgspec.structs.replace(routed, state="serving")
        case _:
            return None

"""What nodes talk to: registering, heartbeats and leases, control records, topics."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from contract.clients import ClientsSeen
from contract.session import (
    NodeReport,
    RecordsAnswer,
    Registration,
    SessionAnswer,
    TopicChanges,
    TopicCreated,
    TopicDeleted,
)
from controlplane.api.access import NodeCaller, require_node
from controlplane.api.origin import NODES_ONLY
from controlplane.domain.commands import DeregisterNode, RegisterNode
from controlplane.plane import ControlPlane
from controlplane.store.event_store import Attribution
from controlplane.store.sessions import Grant
from controlplane.topic_changes import command_of, note_changes

_LONGEST_WAIT_S = 30.0

NodeId = Annotated[str, PathParameter(name="node_id")]


class InternalController(Controller):
    """For nodes only."""

    path = "/internal/v1"
    opt = {NODES_ONLY: True}  # noqa: RUF012 - Litestar's way to declare it
    guards = [require_node]  # noqa: RUF012 - Litestar's way to declare it
    include_in_schema = False

    @put("/nodes/{node_id:str}")
    async def register(
        self,
        node_id: NodeId,
        data: JSONBody[Registration],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> dict[str, str]:
        """Take the process into every barrier.

        409 if another process of that id lives, and this one does not show the node's own token.
        """
        caller: NodeCaller = request.scope["user"]
        command = RegisterNode(
            node_id=node_id,
            incarnation=data.incarnation,
            token_id=caller.token_id,
            other_lives=await _other_lives(plane, node_id, data.incarnation),
        )
        await plane.ledger.carry_out(command, _node(node_id))
        return {"log": plane.ledger.facts.log}

    @post("/nodes/{node_id:str}/session", status_code=200)
    async def session(
        self, node_id: NodeId, data: JSONBody[NodeReport], plane: NamedDependency[ControlPlane]
    ) -> SessionAnswer:
        """Note how the node stands; grant a lease if it has seen the newest fence (rule C2)."""
        willing = plane.ledger.objection is None
        grant = await plane.sessions.report(node_id, data, willing=willing)
        await plane.ledger.catch_up(grant.head_seq)
        if any(plane.ledger.facts.open_switches()):
            plane.ledger.changed.beat()
            await plane.sessions.wake_coordinator()
        if data.leaving and grant.incarnation == data.incarnation:
            command = DeregisterNode(node_id=node_id, incarnation=data.incarnation, cause="left")
            await plane.ledger.carry_out(command, _node(node_id))
        return SessionAnswer(
            log=plane.ledger.facts.log,
            granted=grant.granted,
            lease_s=plane.settings.interlock_lease_s,
            head_seq=plane.ledger.facts.seq,
            records=plane.ledger.records_after(data.applied_seq),
            refusal=None if grant.granted else _refusal(plane, node_id, data, grant),
        )

    @put("/nodes/{node_id:str}/clients", status_code=204)
    async def clients_seen(
        self, node_id: NodeId, data: JSONBody[ClientsSeen], plane: NamedDependency[ControlPlane]
    ) -> None:
        """Note who the node's clients are."""
        await plane.clients.tell(node_id, data)

    @get("/control/records")
    async def records(
        self,
        plane: NamedDependency[ControlPlane],
        after: Annotated[int, QueryParameter(name="after", ge=0)] = 0,
        wait: Annotated[float, QueryParameter(name="wait", ge=0)] = 0.0,
    ) -> RecordsAnswer:
        """The records newer than `after`; with `wait`, as soon as there is one."""
        await plane.ledger.catch_up()
        wait_s = min(wait, _LONGEST_WAIT_S)
        await plane.ledger.wait_for(lambda facts: facts.control.seq > after, wait_s)
        facts = plane.ledger.facts
        return RecordsAnswer(
            log=facts.log, head_seq=facts.seq, records=plane.ledger.records_after(after)
        )

    @post("/nodes/{node_id:str}/topics", status_code=204)
    async def topic_created(
        self, node_id: NodeId, data: JSONBody[TopicCreated], plane: NamedDependency[ControlPlane]
    ) -> None:
        """Note a topic that a client created."""
        await plane.ledger.carry_out(command_of(data), _node(node_id))

    @post("/nodes/{node_id:str}/topic-changes", status_code=204)
    async def topics_changed(
        self, node_id: NodeId, data: JSONBody[TopicChanges], plane: NamedDependency[ControlPlane]
    ) -> None:
        """Note what clients did to topics."""
        await note_changes(plane.ledger, data, _node(node_id))

    @delete("/nodes/{node_id:str}/topics", status_code=204)
    async def topic_deleted(
        self, node_id: NodeId, data: JSONBody[TopicDeleted], plane: NamedDependency[ControlPlane]
    ) -> None:
        """Note that a client deleted a topic."""
        await plane.ledger.carry_out(command_of(data), _node(node_id))


async def _other_lives(plane: ControlPlane, node_id: str, incarnation: str) -> bool:
    """Whether a node's lease of another process may still be good."""
    session = (await plane.sessions.newest()).get(node_id)
    if session is None or session.report.incarnation == incarnation:
        return False
    return session.may_serve(plane.settings.interlock_lease_s)


def _node(node_id: str) -> Attribution:
    return Attribution(actor=f"node:{node_id}")


def _refusal(plane: ControlPlane, node_id: str, report: NodeReport, grant: Grant) -> str:
    if plane.ledger.objection is not None:
        return plane.ledger.objection
    if grant.knows_more:
        return (
            f"node {node_id} knows up to event {report.applied_seq} of log {report.log}, this log"
            f" ({plane.ledger.facts.log}) ends at {grant.head_seq}"
        )
    return _unearned(node_id, report, grant)


def _unearned(node_id: str, report: NodeReport, grant: Grant) -> str:
    if grant.incarnation is None:
        return f"node {node_id} is not registered"
    if grant.incarnation != report.incarnation:
        return f"node {node_id} was registered again by another process; this one must stop"
    if report.leaving:
        return f"node {node_id} is leaving"
    if report.unreadable is not None:
        return f"node {node_id} cannot read a control record: {report.unreadable}"
    if grant.fence_seq == 0:
        return "no scope is open yet: the control plane has not reached every cluster"
    return f"record {grant.fence_seq} must be applied first, the node is at {report.applied_seq}"

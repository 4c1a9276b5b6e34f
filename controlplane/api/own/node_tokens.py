"""`/api/v1/nodes/{nodeId}/tokens`: what a node shows, so that it speaks for itself alone."""

import secrets
from typing import Annotated, Any

from litestar import Controller, Request, delete, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from controlplane.api.access import attribution, require_role
from controlplane.api.older import require_all_read
from controlplane.api.own.schemas import Answer
from controlplane.domain.commands import IssueNodeToken, RevokeNodeTokens
from controlplane.domain.node_tokens import digest_of, node_token
from controlplane.plane import ControlPlane

NodeId = Annotated[str, PathParameter(name="node_id")]
TokenId = Annotated[str, PathParameter(name="token_id")]

_ID_BYTES = 4
_SECRET_BYTES = 32


class NodeTokenView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A token of a node. It is shown once and kept nowhere."""

    node_id: str
    token_id: str
    token: str

    def __repr__(self) -> str:
        return f"NodeTokenView({self.node_id!r}, {self.token_id!r})"


class NodeTokenController(Controller):
    """Tokens of nodes."""

    path = "/api/v1/nodes/{node_id:str}/tokens"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Nodes"]  # noqa: RUF012

    @post()
    async def issue(
        self,
        node_id: NodeId,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> NodeTokenView:
        """One more token for a node, which need not be there yet.

        409 while a control plane of an older release runs: it could not read the event.
        """
        token_id = secrets.token_hex(_ID_BYTES)
        token = node_token(node_id, token_id, secrets.token_urlsafe(_SECRET_BYTES))
        command = IssueNodeToken(node_id=node_id, token_id=token_id, digest=digest_of(token))
        async with plane.ledger.turn(attribution(request)) as turn:
            await require_all_read(turn, "node.token_issued", "takes no tokens of nodes")
            await turn.carry_out(command)
        return NodeTokenView(node_id=node_id, token_id=token_id, token=token)

    @delete()
    async def revoke_all(
        self,
        node_id: NodeId,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Void all tokens of a node."""
        await plane.ledger.carry_out(RevokeNodeTokens(node_id=node_id), attribution(request))

    @delete("/{token_id:str}")
    async def revoke(
        self,
        node_id: NodeId,
        token_id: TokenId,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Void one of them."""
        command = RevokeNodeTokens(node_id=node_id, token_id=token_id)
        await plane.ledger.carry_out(command, attribution(request))

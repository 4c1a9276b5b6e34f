"""Making clients' tokens: shared by both administration APIs."""

import asyncio
import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import uuid4

import jwt
import msgspec

from contract.tokens import ALGORITHM, Claims
from controlplane.api.creating import carry_out_with_room
from controlplane.domain.commands import IssueToken
from controlplane.domain.events import TokenIssued, VirtualClusterCreated
from controlplane.plane import ControlPlane
from controlplane.store.event_store import Attribution

NODES_WAIT_S = 3.0
"""Nodes report every second; one that says nothing for this long is not waited for."""

_POLL_S = 0.05


def new_cluster_id() -> str:
    """A cluster id in Kafka's own form: 16 random bytes, base64url, without padding."""
    return urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


def epoch_seconds() -> int:
    """Now, by this host's wall clock: tokens are read on other hosts."""
    return int(datetime.now(UTC).timestamp())


async def issue_token(
    plane: ControlPlane, vcluster: str, name: str, lifetime_s: int, by: Attribution
) -> str:
    """A token for an account, which is created where it is missing, its virtual cluster too.

    Raises:
        Refusal: a name or the lifetime cannot be used, or something is there under the name of a
            virtual cluster that is missing.
    """
    command = IssueToken(
        vcluster=vcluster,
        name=name,
        token_id=str(uuid4()),
        issued_at=epoch_seconds(),
        lifetime_s=lifetime_s,
        scope=plane.settings.scope,
        cluster_id=new_cluster_id(),
    )
    recorded = await carry_out_with_room(plane, command, by)
    issued = recorded[-1].event
    if not isinstance(issued, TokenIssued):
        raise TypeError(f"expected a token, got {issued.kind}")
    created = [r.seq for r in recorded if isinstance(r.event, VirtualClusterCreated)]
    if created:
        await wait_for_nodes(plane, max(created))
    claims = Claims(
        username=name,
        vcluster=vcluster,
        exp=issued.expires_at,
        iat=issued.issued_at,
        jti=issued.token_id,
    )
    return jwt.encode(
        msgspec.to_builtins(claims),
        plane.settings.token_key,
        algorithm=ALGORITHM,
        # The incumbent's tokens have the algorithm in their header and nothing else.
        headers={"typ": None},
    )


async def wait_for_nodes(plane: ControlPlane, seq: int) -> None:
    """Wait until every node that serves knows what is new: scripts use it at once."""
    try:
        async with asyncio.timeout(NODES_WAIT_S):
            while not await _all_know(plane, seq):  # noqa: ASYNC110 - reports are in the database
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return


async def _all_know(plane: ControlPlane, seq: int) -> bool:
    sessions = (await plane.sessions.newest()).values()
    serving = [s for s in sessions if s.granted and s.age.total_seconds() < NODES_WAIT_S]
    return all(session.report.applied_seq >= seq for session in serving)

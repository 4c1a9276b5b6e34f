"""Making clients' tokens: shared by both administration APIs."""

import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import uuid4

import jwt
import msgspec

from contract.tokens import ALGORITHM, Claims
from controlplane.domain.commands import IssueToken
from controlplane.domain.events import TokenIssued
from controlplane.plane import ControlPlane
from controlplane.store.event_store import Attribution


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
        Refusal: a name or the lifetime cannot be used.
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
    issued = (await plane.ledger.carry_out(command, by))[-1].event
    if not isinstance(issued, TokenIssued):
        raise TypeError(f"expected a token, got {issued.kind}")
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

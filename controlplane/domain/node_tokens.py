"""Tokens of nodes: who shows one speaks for one node, and for no other.

The log holds digests. A token has 256 random bits, so that nobody finds it by its digest.
"""

import hashlib
import hmac

from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.nodes import require_node_id
from controlplane.domain.refusal import Missing

_BETWEEN = "~"
"""Parts of a token; in no node's id, and allowed in a bearer token (RFC 6750)."""


def issue_node_token(_facts: Facts, command: commands.IssueNodeToken) -> list[Event]:
    """One more token for a node; those before go on to be good, so that the node can be moved."""
    require_node_id(command.node_id)
    return [
        events.NodeTokenIssued(
            node_id=command.node_id, token_id=command.token_id, digest=command.digest
        )
    ]


def revoke_node_tokens(facts: Facts, command: commands.RevokeNodeTokens) -> list[Event]:
    """One token of a node is void, or all of them."""
    found = [
        token_id
        for node_id, token_id in facts.node_tokens
        if node_id == command.node_id and command.token_id in {None, token_id}
    ]
    if not found:
        named = "no token" if command.token_id is None else f"no token {command.token_id}"
        raise Missing(f"node {command.node_id} has {named}")
    return [
        events.NodeTokenRevoked(node_id=command.node_id, token_id=token_id) for token_id in found
    ]


def speaks_for_itself(facts: Facts, node_id: str) -> bool:
    """Whether a node was registered with a token of its own, and still has one that is good."""
    has_one = any(owner == node_id for owner, _ in facts.node_tokens)
    return has_one and node_id in facts.shown_tokens


def node_token(node_id: str, token_id: str, secret: str) -> str:
    """What the node shows."""
    return _BETWEEN.join((node_id, token_id, secret))


def digest_of(token: str) -> str:
    """What the log keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def shown_by(facts: Facts, token: str) -> tuple[str, str] | None:
    """The node that a token speaks for, and the token's id; None if it is not good."""
    node_id, _, rest = token.partition(_BETWEEN)
    token_id = rest.partition(_BETWEEN)[0]
    known = facts.node_tokens.get((node_id, token_id), "")
    return (node_id, token_id) if hmac.compare_digest(known, digest_of(token)) else None

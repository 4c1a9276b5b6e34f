"""Tokens of the sandbox's nodes, each for one of them."""

import httpx

from sandbox.configuration import ADMIN_PASSWORD, ADMIN_USER
from sandbox.errors import SandboxError


def issue_node_token(control_plane: str, node_id: str) -> str:
    """What the node of that id shows from now on.

    Raises:
        SandboxError: the control plane does not issue it.
    """
    url = f"{control_plane}/api/v1/nodes/{node_id}/tokens"
    try:
        answer = httpx.post(url, auth=(ADMIN_USER, ADMIN_PASSWORD), timeout=30)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise SandboxError(f"{control_plane} issues no token for {node_id}: {error}") from error
    token: str = answer.json()["token"]
    return token

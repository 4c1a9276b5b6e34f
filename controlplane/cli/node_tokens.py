"""`interlock node-token`."""

from cyclopts import App

from controlplane.cli.client import HERE, Connection
from controlplane.cli.display import print_json, say

node_token = App(name="node-token", help="Tokens of gateway nodes, each for one node.")


@node_token.command
def issue(node_id: str, /, connection: Connection = HERE) -> None:
    """Issue a token: what the node of that id has as INTERLOCK_NODE_TOKEN. It is shown once.

    Args:
        node_id: the node's INTERLOCK_NODE_ID.
        connection: where to ask.
    """
    answer = connection.post(f"/api/v1/nodes/{node_id}/tokens")
    if connection.output == "json":
        print_json(answer)
    else:
        say(answer["token"])


@node_token.command
def revoke(node_id: str, /, *, token_id: str | None = None, connection: Connection = HERE) -> None:
    """Void the tokens of a node. Who shows one gets nothing from control planes any more.

    Args:
        node_id: whose.
        token_id: the one to void, as `nodes list` shows it; default: all.
        connection: where to ask.
    """
    path = f"/api/v1/nodes/{node_id}/tokens"
    connection.delete(path if token_id is None else f"{path}/{token_id}")

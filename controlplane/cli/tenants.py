"""`interlock vcluster` and `interlock token`."""

from cyclopts import App

from controlplane.cli.client import HERE, Connection
from controlplane.cli.display import print_json, say, show, show_one
from controlplane.cli.policies import policy

vcluster = App(name="vcluster", help="Virtual clusters.")
token = App(name="token", help="Clients' tokens.")
vcluster.command(policy)

_DAY_S = 86_400


@vcluster.command(name="list")
def list_all(connection: Connection = HERE) -> None:
    """All virtual clusters."""
    answer = connection.get("/api/v1/virtual-clusters")
    columns = {"name": "name", "scope": "scope", "topics": "topics", "cluster id": "clusterId"}
    show(connection, answer, columns)


@vcluster.command
def create(name: str, /, *, scope: str | None = None, connection: Connection = HERE) -> None:
    """Create a virtual cluster.

    Args:
        name: its name; topics get it as a prefix, so it may not overlap with another's.
        scope: virtual clusters of one scope are switched together; a new name makes a new scope.
            By default all are in the first.
        connection: where to ask.
    """
    asked = {"name": name} | ({"scope": scope} if scope is not None else {})
    show_one(connection, connection.post("/api/v1/virtual-clusters", asked))


@vcluster.command
def adopt(name: str, /, *, apply: bool = False, connection: Connection = HERE) -> None:
    """Topics that the cluster has under a virtual cluster's name, and that the log does not know.

    Args:
        name: the virtual cluster; it need not be there yet.
        apply: have the log know them, and create the virtual cluster if there is none.
        connection: where to ask.
    """
    path = f"/api/v1/virtual-clusters/{name}/adoption"
    answer = connection.post(path) if apply else connection.get(path)
    columns = {
        "topic": "logical",
        "physical topic": "physical",
        "partitions": "partitions",
        "replicas": "replicationFactor",
        "configs": "configs",
    }
    show(connection, answer, columns)


@token.command
def issue(vcluster: str, account: str, /, *, days: int = 90, connection: Connection = HERE) -> None:
    """Issue a token: the password of a client whose user name is the account.

    Args:
        vcluster: the virtual cluster.
        account: the service account; created if there is none.
        days: how long the token is good for.
        connection: where to ask.
    """
    path = f"/api/v1/virtual-clusters/{vcluster}/accounts/{account}/tokens"
    answer = connection.post(path, {"lifetimeSeconds": days * _DAY_S})
    if connection.output == "json":
        print_json(answer)
    else:
        say(answer["token"])


@token.command
def revoke(vcluster: str, account: str, /, connection: Connection = HERE) -> None:
    """Void every token of an account; its connections are cut.

    Args:
        vcluster: the virtual cluster.
        account: the service account.
        connection: where to ask.
    """
    connection.post(f"/api/v1/virtual-clusters/{vcluster}/accounts/{account}/revoke")

"""`interlock alias` and `interlock grant`: topics that virtual clusters share."""

from cyclopts import App

from controlplane.cli.client import HERE, Connection
from controlplane.cli.display import show, show_one

alias = App(name="alias", help="Names of one's own for topics of others.")
grant = App(name="grant", help="Who may have aliases for a virtual cluster's topics.")


@alias.command(name="list")
def list_aliases(vcluster: str, /, connection: Connection = HERE) -> None:
    """A virtual cluster's aliases.

    Args:
        vcluster: the virtual cluster.
        connection: where to ask.
    """
    answer = connection.get(f"/api/v1/virtual-clusters/{vcluster}/aliases")
    columns = {"alias": "logical", "physical topic": "physical", "read only": "readOnly"}
    show(connection, answer, columns)


@alias.command
def create(
    vcluster: str,
    name: str,
    physical: str,
    /,
    *,
    read_only: bool = False,
    connection: Connection = HERE,
) -> None:
    """Let a virtual cluster see a physical topic under a name of its own.

    Args:
        vcluster: the virtual cluster.
        name: what its clients call the topic.
        physical: the topic on the physical cluster; another virtual cluster's needs its grant.
        read_only: let nobody write through the alias.
        connection: where to ask.
    """
    path = f"/api/v1/virtual-clusters/{vcluster}/aliases/{name}"
    show_one(connection, connection.put(path, {"physical": physical, "readOnly": read_only}))


@alias.command
def delete(vcluster: str, name: str, /, connection: Connection = HERE) -> None:
    """Remove an alias; the topic behind it stays as it is.

    Args:
        vcluster: the virtual cluster.
        name: the alias.
        connection: where to ask.
    """
    connection.delete(f"/api/v1/virtual-clusters/{vcluster}/aliases/{name}")


@grant.command(name="list")
def list_grants(vcluster: str, /, connection: Connection = HERE) -> None:
    """Who may have aliases for a virtual cluster's topics.

    Args:
        vcluster: the virtual cluster.
        connection: where to ask.
    """
    answer = connection.get(f"/api/v1/virtual-clusters/{vcluster}/grants")
    show(connection, answer, {"topic": "logical", "granted to": "grantee", "access": "access"})


@grant.command
def give(
    owner: str,
    topic: str,
    grantee: str,
    /,
    *,
    write: bool = False,
    connection: Connection = HERE,
) -> None:
    """Let another virtual cluster have an alias for a topic.

    Args:
        owner: the virtual cluster that the topic belongs to.
        topic: the topic, as its own clients call it.
        grantee: the other one.
        write: let it write, too.
        connection: where to ask.
    """
    body = {"access": "write" if write else "read"}
    connection.put(_path(owner, topic, grantee), body)


@grant.command
def revoke(owner: str, topic: str, grantee: str, /, connection: Connection = HERE) -> None:
    """Let it have none any more; the alias that it has goes.

    Args:
        owner: the virtual cluster that the topic belongs to.
        topic: the topic, as its own clients call it.
        grantee: the other one.
        connection: where to ask.
    """
    connection.delete(_path(owner, topic, grantee))


def _path(owner: str, topic: str, grantee: str) -> str:
    return f"/api/v1/virtual-clusters/{owner}/topics/{topic}/grants/{grantee}"

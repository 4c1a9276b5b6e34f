"""`interlock clients`."""

from cyclopts import App

from controlplane.cli.client import HERE, Connection
from controlplane.cli.display import show

clients = App(name="clients", help="Who uses the gateway, and with which library.")

_COLUMNS = {
    "virtual cluster": "virtualCluster",
    "account": "account",
    "library": "software",
    "version": "version",
    "node": "nodeId",
    "open": "connections",
    "from": "addresses",
    "topics": "topics",
    "groups": "groups",
    "last request": "lastRequestAt",
}


@clients.default
def list_all(vcluster: str | None = None, connection: Connection = HERE) -> None:
    """Who has used the gateway in the last day, by account and library.

    Nodes tell it twice a minute.

    Args:
        vcluster: of this virtual cluster alone.
        connection: where to ask.
    """
    show(connection, connection.get("/api/v1/clients", virtualCluster=vcluster), _COLUMNS)

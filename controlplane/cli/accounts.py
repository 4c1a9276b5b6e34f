"""`interlock account`: who may log in to a virtual cluster, how, and what it may do."""

import sys

from cyclopts import App

from controlplane.cli.client import HERE, Connection
from controlplane.cli.display import print_json, say, show, show_one

account = App(name="account", help="Service accounts.")


@account.command(name="list")
def list_all(vcluster: str, /, connection: Connection = HERE) -> None:
    """A virtual cluster's accounts.

    Args:
        vcluster: the virtual cluster.
        connection: where to ask.
    """
    answer = connection.get(f"/api/v1/virtual-clusters/{vcluster}/accounts")
    columns = {
        "name": "name",
        "password": "hasPassword",
        "external names": "externalNames",
        "read only": "readOnly",
        "limits": "limits",
        "revoked": "revokedAt",
    }
    show(connection, answer, columns)


@account.command
def password(
    vcluster: str, name: str, /, *, stdin: bool = False, connection: Connection = HERE
) -> None:
    """Set a password for SCRAM, and print it; the one before is void.

    Args:
        vcluster: the virtual cluster.
        name: the account; created if there is none.
        stdin: take the password from standard input; without it one is made.
        connection: where to ask.
    """
    chosen = {"password": sys.stdin.readline().rstrip("\n")} if stdin else {}
    answer = connection.post(f"{_path(vcluster, name)}/password", chosen)
    if connection.output == "json":
        print_json(answer)
    elif answer["password"] is None:
        say(f"log in as {answer['username']}")
    else:
        say(answer["password"])


@account.command
def seal(connection: Connection = HERE) -> None:
    """Seal what is kept of all passwords with INTERLOCK_SEALING_KEY; they stay what they are.

    Args:
        connection: where to ask.
    """
    show_one(connection, connection.post("/api/v1/accounts/seal"))


@account.command
def external_names(vcluster: str, name: str, /, *names: str, connection: Connection = HERE) -> None:
    """Say who an account is elsewhere; without names, nobody.

    Args:
        vcluster: the virtual cluster.
        name: the account; created if there is none.
        names: subjects of OAuth tokens, or names in certificates as CN=app,O=Example.
        connection: where to ask.
    """
    body = {"externalNames": list(names)}
    print_json(connection.put(f"{_path(vcluster, name)}/external-names", body))


@account.command
def restrict(
    vcluster: str,
    name: str,
    /,
    *,
    read_only: bool = False,
    connections: int | None = None,
    produce_bytes: int | None = None,
    fetch_bytes: int | None = None,
    connection: Connection = HERE,
) -> None:
    """Lay down an account's rights and limits, in the place of those before.

    What is not given is not restricted, but by the virtual cluster's policy.

    Args:
        vcluster: the virtual cluster.
        name: the account; created if there is none.
        read_only: let it consume and commit, and change nothing else.
        connections: how many it may have on each node.
        produce_bytes: how many it may write in a second, through each node.
        fetch_bytes: how many it may read in a second, through each node.
        connection: where to ask.
    """
    limits = {
        "connections": connections,
        "produceBytesPerSecond": produce_bytes,
        "fetchBytesPerSecond": fetch_bytes,
    }
    given = {key: value for key, value in limits.items() if value is not None}
    path = f"/api/v1/virtual-clusters/{vcluster}/accounts/{name}"
    print_json(connection.put(path, {"readOnly": read_only, "limits": given}))


@account.command
def revoke(vcluster: str, name: str, /, connection: Connection = HERE) -> None:
    """Void an account's tokens, password and external names; its connections are cut.

    Args:
        vcluster: the virtual cluster.
        name: the account.
        connection: where to ask.
    """
    connection.post(f"{_path(vcluster, name)}/revoke")


def _path(vcluster: str, name: str) -> str:
    return f"/api/v1/virtual-clusters/{vcluster}/accounts/{name}"

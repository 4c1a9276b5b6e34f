"""`interlock vcluster policy` and `interlock account`: what tenants may do."""

from pathlib import Path
from typing import Any

import msgspec
from cyclopts import App

from controlplane.cli.client import HERE, Connection, Exit, fail
from controlplane.cli.display import print_json, show

policy = App(name="policy", help="What a virtual cluster's clients may do.")
account = App(name="account", help="Service accounts of a virtual cluster.")


@policy.command(name="show")
def show_policy(vcluster: str, /, connection: Connection = HERE) -> None:
    """A virtual cluster's policy, as JSON that `policy set` takes.

    Args:
        vcluster: the virtual cluster.
        connection: where to ask.
    """
    print_json(connection.get(f"/api/v1/virtual-clusters/{vcluster}/policy"))


@policy.command(name="set")
def set_policy(vcluster: str, file: Path, /, connection: Connection = HERE) -> None:
    """Lay down a virtual cluster's policy, in the place of the one before.

    Args:
        vcluster: the virtual cluster.
        file: the policy, in YAML or JSON; an empty one (`{}`) allows everything.
        connection: where to ask.
    """
    path = f"/api/v1/virtual-clusters/{vcluster}/policy"
    print_json(connection.put(path, _read(file)))


@account.command(name="list")
def list_accounts(vcluster: str, /, connection: Connection = HERE) -> None:
    """A virtual cluster's accounts.

    Args:
        vcluster: the virtual cluster.
        connection: where to ask.
    """
    answer = connection.get(f"/api/v1/virtual-clusters/{vcluster}/accounts")
    columns = {"name": "name", "read only": "readOnly", "limits": "limits", "revoked": "revokedAt"}
    show(connection, answer, columns)


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


def _read(file: Path) -> Any:
    try:
        return msgspec.yaml.decode(file.read_bytes())
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", Exit.USAGE)
    except msgspec.MsgspecError as error:
        fail(f"{file} is neither YAML nor JSON: {error}", Exit.USAGE)

"""`interlock vcluster policy`: what tenants may do."""

from pathlib import Path
from typing import Any

import msgspec
from cyclopts import App

from controlplane.cli.client import HERE, Connection, Exit, fail
from controlplane.cli.display import print_json

policy = App(name="policy", help="What a virtual cluster's clients may do.")


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


def _read(file: Path) -> Any:
    try:
        return msgspec.yaml.decode(file.read_bytes())
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", Exit.USAGE)
    except msgspec.MsgspecError as error:
        fail(f"{file} is neither YAML nor JSON: {error}", Exit.USAGE)

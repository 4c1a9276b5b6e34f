"""The `interlock` command: hands over to the plane that a command belongs to.

The planes do not know each other, so what they share on the command line lives outside of both.
"""

import sys
from importlib.metadata import version

from cyclopts import App, CycloptsError

from contract.garbage import look_seldom

_USAGE = 2


def release() -> str:
    """The version, and whether the data path is compiled."""
    from dataplane import FORM  # noqa: PLC0415 - only when asked

    return f"interlock {version('interlock')}, data path {FORM.value}"


app = App(
    name="interlock",
    help="A Kafka gateway whose backend cluster can be exchanged live.",
    version=release,
)

# Loaded when called: nobody waits for the parts that a command does not need.
app.command("controlplane.main:main", name="controlplane", help="Run a control plane.")
app.command("dataplane.gateway.main:main", name="gateway", help="Run a gateway node.")
app.command("mirrormaker.main:main", name="mirrormaker", help="Run MirrorMaker 2 as told.")
app.command("sandbox.cli:app", name="sandbox", help="Run the whole environment on this machine.")
for name, module, purpose in (
    ("vcluster", "tenants", "Virtual clusters."),
    ("token", "tenants", "Clients' tokens."),
    ("account", "accounts", "Service accounts: how they log in, what they may do and how much."),
    ("alias", "sharing", "Names of one's own for topics of others."),
    ("grant", "sharing", "Who may have aliases for a virtual cluster's topics."),
    ("switch", "switches", "Exchange the cluster behind the virtual clusters."),
    ("mirror", "mirror", "MirrorMaker 2: which way it copies, and turning it round."),
    ("user", "users", "Users of the administration API."),
    ("clients", "clients", "Who uses the gateway, and with which library."),
    ("nodes", "operations", "Gateway nodes."),
    ("node-token", "node_tokens", "Tokens of gateway nodes, each for one node."),
    ("audit", "audit", "What happened, and that the log is as it was written."),
    ("control", "operations", "The control topic."),
    ("database", "database", "The database of the event log."),
):
    attribute = name.replace("-", "_")
    app.command(f"controlplane.cli.{module}:{attribute}", name=name, help=purpose)


def main() -> None:
    """Run the command line."""
    look_seldom()
    try:
        app(exit_on_error=False)
    except CycloptsError:
        sys.exit(_USAGE)


if __name__ == "__main__":
    main()

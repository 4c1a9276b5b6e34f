"""The `interlock` command: hands over to the plane that a command belongs to.

The planes do not know each other, so what they share on the command line lives outside of both.
"""

from cyclopts import App

app = App(name="interlock", help="A Kafka gateway whose backend cluster can be exchanged live.")

# Loaded when called: nobody waits for the parts that a command does not need.
app.command("controlplane.main:main", name="controlplane", help="Run a control plane.")
app.command("dataplane.gateway.main:main", name="gateway", help="Run a gateway node.")
app.command("sandbox.cli:app", name="sandbox", help="Run the whole environment on this machine.")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

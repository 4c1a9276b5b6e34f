"""Who the clients of each node are, as it told last."""

from controlplane.store.migrate import run_script

revision = "0007_node_clients"
down_revision = "0006_replica_marks"


def upgrade() -> None:
    run_script(f"{revision}.up.sql")


def downgrade() -> None:
    run_script(f"{revision}.down.sql")

"""What was last seen of the replicas, partition by partition."""

from controlplane.store.migrate import run_script

revision = "0006_replica_marks"
down_revision = "0005_fold_snapshot"


def upgrade() -> None:
    run_script(f"{revision}.up.sql")


def downgrade() -> None:
    run_script(f"{revision}.down.sql")

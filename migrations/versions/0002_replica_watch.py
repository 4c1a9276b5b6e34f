"""What was last seen of the replicas."""

from controlplane.store.migrate import run_script

revision = "0002_replica_watch"
down_revision = "0001_event_store"


def upgrade() -> None:
    run_script(f"{revision}.up.sql")


def downgrade() -> None:
    run_script(f"{revision}.down.sql")

"""A log that lost its tail can take back what was broadcast."""

from controlplane.store.migrate import run_script

revision = "0003_reconciling"
down_revision = "0002_replica_watch"


def upgrade() -> None:
    run_script(f"{revision}.up.sql")


def downgrade() -> None:
    run_script(f"{revision}.down.sql")

"""What the log adds up to is kept, for control planes that start."""

from controlplane.store.migrate import run_script

revision = "0005_fold_snapshot"
down_revision = "0004_version_readable"


def upgrade() -> None:
    run_script(f"{revision}.up.sql")


def downgrade() -> None:
    run_script(f"{revision}.down.sql")

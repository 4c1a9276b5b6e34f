"""The event store."""

from controlplane.store.migrate import run_script

revision = "0001_event_store"
down_revision = None


def upgrade() -> None:
    run_script(f"{revision}.up.sql")


def downgrade() -> None:
    run_script(f"{revision}.down.sql")

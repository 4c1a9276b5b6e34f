"""The application's role can see which schema there is: it need not be able to make it."""

from controlplane.store.migrate import run_script

revision = "0004_version_readable"
down_revision = "0003_reconciling"


def upgrade() -> None:
    run_script(f"{revision}.up.sql")


def downgrade() -> None:
    run_script(f"{revision}.down.sql")

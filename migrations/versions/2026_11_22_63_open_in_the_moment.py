"""Whether a referral is open is asked in the moment of writing about it, not as of when the statement began."""

from alembic import op

revision = "2026_11_22_63"
down_revision = "2026_11_22_62"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A volatile function sees what was withdrawn since the statement began that it stands in."""
    op.execute("set local role pat_owner")
    op.execute("alter function app.received_status(uuid, uuid) volatile")
    op.execute("reset role")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise NotImplementedError

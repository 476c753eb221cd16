"""Indexes that begin with the fence: what others have is not fetched, and so not counted by whoever explains a query."""

from alembic import op

revision = "2026_11_22_59"
down_revision = "2026_11_22_58"
branch_labels = None
depends_on = None

# A unique key of the answers begins with the same columns. What has changed is forgotten by reading a week's rows: they are few.
INDEXES = """
drop index app.ix_referral_answers_referral_organisation_id_referral_id;
drop index app.ix_referral_hearings_referral_organisation_id_referral_id;
create index ix_referral_hearings_of_referral
    on app.referral_hearings (organisation_id, referral_organisation_id, referral_id);
drop index app.ix_referral_changes_changed_at;
drop index app.ix_alerts_told_at;
create index ix_alerts_told_at on app.alerts (organisation_id, created_at) where is_raised and told_at is null;
"""


def upgrade() -> None:
    """Replace the indexes."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(INDEXES)
    op.execute("reset role")

"""What is new to a snapshot is asked for in the two ways in which a transaction can be new, each of which an index answers."""

from alembic import op

revision = "2026_11_22_66"
down_revision = "2026_11_22_63"
branch_labels = None
depends_on = None

FUNCTION = """
create or replace function sec.changed_since(seen pg_snapshot) returns uuid[]
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select array(
        select c.organisation_id from app.referral_changes c
        where c.transaction >= pg_snapshot_xmax(seen)::text::bigint
        union
        select c.organisation_id from app.referral_changes c
        where c.transaction = any (array(select x::text::bigint from pg_snapshot_xip(seen) x)))
$$;
"""


def upgrade() -> None:
    """Transactions that began after the snapshot, and those that were under way when it was taken."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(FUNCTION)
    op.execute("reset role")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise NotImplementedError

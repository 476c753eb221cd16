"""An end is asked for at the moment of asking, and only in transactions whose statements see what has been written until then."""

from alembic import op

revision = "2026_11_22_58"
down_revision = "2026_11_22_56"
branch_labels = None
depends_on = None

# PostgreSQL's statement_timestamp() is when the client's message came: one message holds many statements, and may wait between them.
# Stable, so that it is asked once for a statement where it stands as a query of its own.
MOMENT = """
create function sec.moment() returns timestamp with time zone
language plpgsql stable parallel safe cost 1 set search_path = pg_catalog, pg_temp as $$
begin
    return clock_timestamp();
end
$$;
"""

# A transaction that keeps the snapshot that it began with does not see that something was withdrawn: nobody is present in one.
PRESENT = """
    from sec.sessions s
    join app.memberships m on m.organisation_id = s.organisation_id and m.id = s.membership_id and m.person_id = s.person_id
    where s.id = nullif(current_setting('pat.session', true), '')::uuid
    and current_setting('transaction_isolation') in ('read committed', 'read uncommitted')
    and s.login = session_user and s.revoked_at is null and s.expires_at > clock_timestamp()
    and s.login = 'org_' || replace(m.organisation_id::text, '-', '') || '_' || m.role and m.ended_at is null
"""

FUNCTIONS = f"""
create or replace function sec.actor() returns uuid
language sql stable security definer parallel safe set search_path = pg_catalog, pg_temp as $$
    select s.person_id {PRESENT}
$$;

create or replace function sec.membership() returns uuid
language sql stable security definer parallel safe set search_path = pg_catalog, pg_temp as $$
    select s.membership_id {PRESENT}
$$;

create or replace function sec.survivor() returns uuid
language sql stable security definer parallel safe set search_path = pg_catalog, pg_temp as $$
    select m.survivor_id {PRESENT} and not s.is_duress
$$;

revoke all on function sec.moment() from public;
"""


def upgrade() -> None:
    """Make the function, and look sessions up by the clock. The wall says who may call it."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(MOMENT)
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("reset role")

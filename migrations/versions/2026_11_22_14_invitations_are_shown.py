"""What the page of an invitation shows to whoever holds its link."""

from alembic import op

revision = "2026_11_22_14"
down_revision = "2026_11_22_13"
branch_labels = None
depends_on = None

FUNCTION = """
create function sec.find_invitation(token_hash bytea) returns table (
    email text, name text, organisation_name text, role text, is_known boolean
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select i.email, i.name, o.name, i.role, exists (select from sec.people p where p.email = i.email)
    from app.invitations i join app.organisations o on o.id = i.organisation_id
    join sec.logins l on l.organisation_id = i.organisation_id and l.role = i.role
    where i.token_hash = find_invitation.token_hash and i.taken_up_at is null and i.withdrawn_at is null
    and i.expires_at > statement_timestamp()
$$;

revoke all on function sec.find_invitation(bytea) from public;
"""


def upgrade() -> None:
    """Make the function. The wall says who may call it."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(FUNCTION)
    op.execute("reset role")

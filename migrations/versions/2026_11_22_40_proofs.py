"""Passkeys have names, and organisations' trails say when somebody changes what she proves herself with."""

from alembic import op

revision = "2026_11_22_40"
down_revision = "2026_11_22_34"
branch_labels = None
depends_on = None

NAMES = """
alter table sec.passkeys
    add column name text default '' not null,
    add constraint ck_passkeys_name check (length(name) <= 60);
"""

FUNCTION = """
create function sec.note_change(person uuid, action text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    organisation uuid;
begin
    if action not in (
        'passkey.added', 'passkey.removed', 'generator.renewed', 'recovery_codes.renewed', 'password.changed')
    then
        raise invalid_parameter_value using message = 'no such change';
    end if;
    for organisation in
        select distinct m.organisation_id from app.memberships m
        where m.person_id = person and m.ended_at is null order by m.organisation_id
    loop
        perform trail.append(organisation, person, action, array[person], '{}');
    end loop;
end
$$;

revoke all on function sec.note_change(uuid, text) from public;
"""


def upgrade() -> None:
    """Add the column, and make the function. The wall says who may do what."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(NAMES)
    op.get_bind().exec_driver_sql(FUNCTION)
    op.execute("reset role")

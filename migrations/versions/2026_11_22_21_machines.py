"""Programs that act for nobody but their organisation: how they come in."""

from alembic import op

revision = "2026_11_22_21"
down_revision = "2026_11_22_15"
branch_labels = None
depends_on = None

FUNCTION = """
create function sec.open_machine_session(session uuid, client uuid, scopes text[]) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    place record;
    membership uuid;
    opened uuid;
begin
    -- A refusal is an answer, not an error: what the caller has written in this transaction must be committed.
    -- Whoever disables the client meanwhile waits for the session and then ends it.
    perform from app.clients c where c.id = client for share;
    select f.organisation_id, f.name, l.login into place
    from sec.find_client(client) f join sec.logins l on l.organisation_id = f.organisation_id and l.role = 'service'
    where f.kind = 'MACHINE' and scopes <@ f.scopes;
    if not found then return null; end if;
    -- Its person has the program's id and no address: no proof of anybody's leads to it.
    insert into sec.people (id) values (client) on conflict (id) do nothing;
    perform from sec.people p where p.id = client and p.email is null and p.disabled_at is null for share;
    if not found then return null; end if;
    insert into app.memberships as m (organisation_id, id, person_id, role, name)
    values (place.organisation_id, gen_random_uuid(), client, 'service', place.name)
    on conflict (organisation_id, person_id, role) do nothing returning m.id into membership;
    if membership is not null then
        perform trail.append(
            place.organisation_id, client, 'member.joined', array[client, membership],
            jsonb_build_object('client', client, 'role', 'service'));
    else
        -- One that was ended stays so: unlike a person, a program is not invited again.
        select m.id into membership from app.memberships m
        where m.organisation_id = place.organisation_id and m.person_id = client and m.role = 'service'
        and m.ended_at is null;
        if not found then return null; end if;
    end if;
    insert into sec.sessions as s (
        id, login, organisation_id, membership_id, person_id, client, scopes, expires_at)
    values (
        session, place.login, place.organisation_id, membership, client, client::text, scopes, now() + interval '6 minutes')
    on conflict (id) do nothing returning s.handle into opened;
    if opened is not null then
        perform trail.append(
            place.organisation_id, client, 'session.opened', array[client],
            jsonb_build_object('session', opened, 'client', client));
    end if;
    return opened;
end
$$;

revoke all on function sec.open_machine_session(uuid, uuid, text[]) from public;
"""


def upgrade() -> None:
    """Make the function. The wall says who may call it."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(FUNCTION)
    op.execute("reset role")

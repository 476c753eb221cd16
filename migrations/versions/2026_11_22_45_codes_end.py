"""Codes that were handed out to clients end with all else: when somebody chooses a PIN, and when she signs out everywhere."""

from alembic import op

revision = "2026_11_22_45"
down_revision = "2026_11_22_44"
branch_labels = None
depends_on = None

# A browser may be somebody else's by now, so that it goes on; what was asked for in it in her name does not.
FUNCTIONS = """
create or replace function sec.begin_pin(token_hash bytea, name text, pin text, duress text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    person uuid;
begin
    -- Null for a link that is over, false for a name that is somebody's: the link stands then.
    select p.id into person from sec.people p
    where p.link_hash = token_hash and p.link_until > now() and p.disabled_at is null for no key update;
    if not found then return null; end if;
    perform from app.memberships m where m.person_id = person and m.role = 'survivor' and m.ended_at is null;
    if not found then return null; end if;
    begin
        update sec.people p set sign_in_name = name, link_hash = null, link_until = null where p.id = person;
    exception when unique_violation then
        return false;
    end;
    -- Whoever knew the PINs before knows neither of these.
    delete from sec.secrets s where s.person_id = person and s.kind in ('PIN', 'DURESS');
    insert into sec.secrets (person_id, kind, hash) values (person, 'PIN', pin);
    if duress is not null then
        insert into sec.secrets (person_id, kind, hash) values (person, 'DURESS', duress);
    end if;
    update sec.codes c set used_at = now() where c.person_id = person and c.used_at is null;
    update sec.browsers b set ended_at = now() where b.person_id = person and b.ended_at is null;
    perform sec.end_sessions(
        array(select s.id from sec.sessions s where s.person_id = person and s.expires_at > now()), 'pin changed');
    return true;
end
$$;

create or replace function sec.end_my_sessions() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    person uuid := sec.actor();
begin
    -- A session that is being opened is waited for, and ends with the others.
    perform from sec.people p where p.id = person for no key update;
    update sec.codes c set used_at = now() where c.person_id = person and c.used_at is null;
    update sec.browsers b set ended_at = now() where b.person_id = person and b.ended_at is null;
    return sec.end_sessions(
        array(select s.id from sec.sessions s where s.person_id = person and s.expires_at > now()),
        'signed out everywhere');
end
$$
"""


def upgrade() -> None:
    """Make the functions anew. Who may call them stays as it is."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("reset role")

"""Choosing a PIN, and saying whom a provider means: what is nobody's is found by one question, not by two."""

from alembic import op

revision = "2026_11_22_67"
down_revision = "2026_11_22_66"
branch_labels = None
depends_on = None

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
    -- A link that is nobody's finds no person, who is a survivor nowhere.
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

create or replace function sec.link_upstream(upstream uuid, identifier text, person uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    organisation uuid;
begin
    perform from sec.people p where p.id = person and p.disabled_at is null for share;
    if not found then return false; end if;
    -- Whoever disables it meanwhile waits for the link and then finds it.
    select u.organisation_id into organisation from sec.upstreams u
    where u.id = upstream and u.disabled_at is null for share;
    -- Where there is none there is no organisation, which nobody is a member of.
    perform from app.memberships m
    where m.organisation_id = organisation and m.person_id = person and m.ended_at is null;
    if not found then return false; end if;
    insert into sec.upstream_identities as i (upstream_id, subject, person_id)
    values (upstream, identifier, person)
    -- Nobody takes over who is somebody else's by now.
    on conflict (upstream_id, subject) do update set person_id = person, linked_at = now(), ended_at = null
    where i.ended_at is not null or i.person_id = person;
    if not found then return false; end if;
    update sec.upstream_identities i set ended_at = now()
    where i.upstream_id = upstream and i.person_id = person and i.subject <> identifier and i.ended_at is null;
    perform trail.append(
        organisation, person, 'upstream.linked', array[person], jsonb_build_object('upstream', upstream));
    return true;
end
$$;
"""


def upgrade() -> None:
    """Make the functions anew. Who may call them stays as it is."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("reset role")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise NotImplementedError

"""Alerts are closed, and told by mail; case managers hand out the links by which survivors choose a PIN."""

from alembic import op

revision = "2026_11_22_34"
down_revision = "2026_11_22_33"
branch_labels = None
depends_on = None

ALERTS = """
alter table app.alerts add column told_at timestamp with time zone;

create index ix_alerts_told_at on app.alerts (created_at) where is_raised and told_at is null;

create table app.alert_closings (
    organisation_id uuid not null,
    alert_id uuid not null,
    because text not null,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_alert_closings primary key (organisation_id, alert_id),
    constraint ck_alert_closings_because check (because in ('SAFE', 'MISTAKE', 'HANDED_ON')),
    constraint fk_alert_closings_organisation_id foreign key(organisation_id) references app.organisations (id),
    constraint fk_alert_closings_alert foreign key(organisation_id, alert_id) references app.alerts (organisation_id, id)
);

create unique index uq_memberships_survivor on app.memberships (organisation_id, survivor_id)
where role = 'survivor' and ended_at is null;
"""

# Who signs in is answered at once: managers are told by whoever sends mail, a moment later, so that nobody can time it.
TELLING = """
create function sec.tell_alerts() returns table (email text, language text)
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with managers as (
        select m.organisation_id, p.email, p.language
        from app.memberships m join sec.people p on p.id = m.person_id
        where m.role = 'case_manager' and m.ended_at is null and p.disabled_at is null and p.email is not null
    ), untold as (
        -- What nobody can be told of yet waits for somebody.
        select a.organisation_id, a.id from app.alerts a
        where a.is_raised and a.told_at is null
        and a.organisation_id in (select g.organisation_id from managers g)
        and not exists (
            select from app.alert_closings c where c.organisation_id = a.organisation_id and c.alert_id = a.id)
        order by a.created_at limit 100 for update of a skip locked
    ), told as (
        update app.alerts a set told_at = now() from untold u
        where a.organisation_id = u.organisation_id and a.id = u.id returning a.organisation_id
    )
    select distinct g.email, g.language from told t join managers g on g.organisation_id = t.organisation_id
$$;
"""

LINKS = """
create function sec.put_link(here uuid, actor uuid, survivor uuid, name text, token_hash bytea, until timestamptz)
returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    person uuid;
begin
    -- What is refused is said; null once the link stands. The one before opens nothing any more.
    perform from app.survivors s where s.organisation_id = here and s.id = survivor;
    if not found then return 'SURVIVOR_UNKNOWN'; end if;
    perform from sec.logins l where l.organisation_id = here and l.role = 'survivor';
    if not found then return 'ROLE_UNKNOWN'; end if;
    select m.person_id into person from app.memberships m
    where m.organisation_id = here and m.survivor_id = survivor and m.role = 'survivor' and m.ended_at is null;
    if found then
        update sec.people p set link_hash = token_hash, link_until = until
        where p.id = person and p.disabled_at is null;
        if not found then return 'PERSON_DISABLED'; end if;
    else
        person := gen_random_uuid();
        insert into sec.people (id, link_hash, link_until) values (person, token_hash, until);
        insert into app.memberships (organisation_id, id, person_id, role, name, survivor_id)
        values (here, gen_random_uuid(), person, 'survivor', name, survivor);
    end if;
    perform trail.append(
        here, actor, 'member.invited', array[person, survivor], jsonb_build_object('role', 'survivor'));
    return null;
end
$$;

create function sec.invite_survivor(survivor uuid, name text, token_hash bytea) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    actor uuid := sec.actor();
    until timestamptz := now() + interval '24 hours';
begin
    if actor is null then
        raise invalid_authorization_specification using message = 'no such session';
    end if;
    return jsonb_build_object(
        'refused', sec.put_link(substr(session_user::text, 5, 32)::uuid, actor, survivor, name, token_hash, until),
        'until', until);
end
$$;

create function sec.withdraw_link(survivor uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    here uuid := substr(session_user::text, 5, 32)::uuid;
    actor uuid := sec.actor();
    person uuid;
    has_link boolean;
    has_pin boolean;
begin
    if actor is null then
        raise invalid_authorization_specification using message = 'no such session';
    end if;
    -- Whoever signs in waits, or was first and is signed out with the others.
    select p.id, p.link_hash is not null into person, has_link from sec.people p
    where p.id in (
        select m.person_id from app.memberships m
        where m.organisation_id = here and m.survivor_id = survivor and m.role = 'survivor' and m.ended_at is null)
    for no key update;
    if not found then return false; end if;
    delete from sec.secrets s where s.person_id = person and s.kind in ('PIN', 'DURESS');
    has_pin := found;
    if not (has_link or has_pin) then return false; end if;
    update sec.people p set link_hash = null, link_until = null where p.id = person;
    update sec.codes c set used_at = now() where c.person_id = person and c.used_at is null;
    update sec.browsers b set ended_at = now() where b.person_id = person and b.ended_at is null;
    perform sec.end_sessions(
        array(select s.id from sec.sessions s where s.person_id = person and s.expires_at > now()),
        'way in withdrawn');
    perform trail.append(here, actor, 'invitation.withdrawn', array[person, survivor], '{}');
    return true;
end
$$;

revoke all on function sec.tell_alerts(), sec.put_link(uuid, uuid, uuid, text, bytea, timestamptz),
    sec.invite_survivor(uuid, text, bytea), sec.withdraw_link(uuid) from public;
"""


def upgrade() -> None:
    """Make the table, the columns and the functions. The wall says who may do what."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(ALERTS)
    op.execute("set local role pat_sec")
    for functions in (TELLING, LINKS):
        op.get_bind().exec_driver_sql(functions)
    op.execute("reset role")

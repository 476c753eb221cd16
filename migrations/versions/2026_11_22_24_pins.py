"""PINs: a name to sign in with, what a second PIN opens, and whom that alarms."""

from alembic import op

revision = "2026_11_22_24"
down_revision = "2026_11_22_23"
branch_labels = None
depends_on = None

# The release before goes on: what it inserts has no other columns than before.
COLUMNS = """
alter table sec.people
    add column sign_in_name text,
    add column link_hash bytea,
    add column link_until timestamp with time zone,
    add constraint uq_people_sign_in_name unique (sign_in_name),
    add constraint uq_people_link_hash unique (link_hash);

alter table sec.browsers add column is_duress boolean default false not null;
alter table sec.codes add column is_duress boolean default false not null;
"""

ALERTS = """
create table app.alerts (
    organisation_id uuid not null,
    id uuid default gen_random_uuid() not null,
    survivor_id uuid not null,
    created_at timestamp with time zone default now() not null,
    is_raised boolean not null,
    constraint pk_alerts primary key (organisation_id, id),
    constraint fk_alerts_organisation_id foreign key(organisation_id) references app.organisations (id),
    constraint fk_alerts_survivor foreign key(organisation_id, survivor_id) references app.survivors (organisation_id, id)
);

create index ix_alerts_organisation_id_survivor_id on app.alerts (organisation_id, survivor_id);
create index ix_alerts_organisation_id_created_at on app.alerts (organisation_id, created_at);
"""

# A session that a second PIN has opened is nobody's record: it reads what is there for everybody, and nothing of hers.
FUNCTIONS = """
create or replace function sec.survivor() returns uuid
language sql stable security definer parallel safe set search_path = pg_catalog, pg_temp as $$
    select m.survivor_id
    from sec.sessions s
    join app.memberships m on m.organisation_id = s.organisation_id and m.id = s.membership_id and m.person_id = s.person_id
    where s.id = nullif(current_setting('pat.session', true), '')::uuid
    and s.login = session_user and s.revoked_at is null and s.expires_at > statement_timestamp()
    and s.login = 'org_' || replace(m.organisation_id::text, '-', '') || '_' || m.role and m.ended_at is null
    and not s.is_duress
$$;

create function sec.begin_pin(token_hash bytea, name text, pin text, duress text) returns boolean
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
    update sec.browsers b set ended_at = now() where b.person_id = person and b.ended_at is null;
    perform sec.end_sessions(
        array(select s.id from sec.sessions s where s.person_id = person and s.expires_at > now()), 'pin changed');
    return true;
end
$$;

create function sec.note_arrival(person uuid, is_duress boolean) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    -- With either PIN the same row is written, so that nobody can time which: its readers see those that are raised.
    insert into app.alerts (organisation_id, survivor_id, is_raised)
    select m.organisation_id, m.survivor_id, note_arrival.is_duress from app.memberships m
    where m.person_id = note_arrival.person and m.role = 'survivor' and m.survivor_id is not null and m.ended_at is null
$$;

revoke all on function sec.begin_pin(bytea, text, text, text), sec.note_arrival(uuid, boolean) from public;
"""


def upgrade() -> None:
    """Add the columns, make the table, and the functions. The wall says who may do what."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(ALERTS)
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(COLUMNS)
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("reset role")

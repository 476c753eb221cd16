"""People, logins, sessions, and the functions that every transaction enters through."""

from alembic import op

revision = "2026_11_21_02"
down_revision = "2026_11_21_01"
branch_labels = None
depends_on = None

TABLES = """
create table sec.logins (
    login text not null,
    organisation_id uuid not null,
    role text not null,
    generation integer default 1 not null,
    constraint pk_logins primary key (login),
    constraint ck_logins_role check (role in ('organisation_admin', 'case_manager', 'social_worker',
        'counsellor', 'legal_aid', 'shg_facilitator', 'mis_focal', 'survivor', 'secretariat_admin',
        'secretariat_analyst', 'auditor', 'destination_admin', 'destination_worker', 'funder',
        'platform_operator', 'service')),
    constraint uq_logins_organisation_id_role unique (organisation_id, role)
);

create table sec.people (
    id uuid not null,
    email text not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_people primary key (id),
    constraint uq_people_email unique (email)
);

create table sec.sessions (
    id uuid not null,
    login text not null,
    organisation_id uuid not null,
    membership_id uuid not null,
    person_id uuid not null,
    client text not null,
    created_at timestamp with time zone default now() not null,
    expires_at timestamp with time zone not null,
    revoked_at timestamp with time zone,
    constraint pk_sessions primary key (id),
    constraint fk_sessions_login foreign key(login) references sec.logins (login),
    constraint fk_sessions_person_id foreign key(person_id) references sec.people (id)
);

create index ix_sessions_organisation_id_membership_id on sec.sessions (organisation_id, membership_id);
"""

# The session that was entered, if it is one of this login, not over, and of a membership that is the person's, in the login's
# organisation and role, and not ended. It is looked up by every statement anew.
PRESENT = """
    from sec.sessions s
    join app.memberships m on m.organisation_id = s.organisation_id and m.id = s.membership_id and m.person_id = s.person_id
    where s.id = nullif(current_setting('pat.session', true), '')::uuid
    and s.login = session_user and s.revoked_at is null and s.expires_at > statement_timestamp()
    and s.login = 'org_' || replace(m.organisation_id::text, '-', '') || '_' || m.role and m.ended_at is null
"""

FUNCTIONS = f"""
create function sec.actor() returns uuid
language sql stable security definer parallel safe set search_path = pg_catalog, pg_temp as $$
    select s.person_id {PRESENT}
$$;

create function sec.survivor() returns uuid
language sql stable security definer parallel safe set search_path = pg_catalog, pg_temp as $$
    select m.survivor_id {PRESENT}
$$;

create function sec.enter(session text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    person uuid;
begin
    perform set_config('pat.session', session::uuid::text, true);
    person := sec.actor();
    if person is null then
        raise invalid_authorization_specification using message = 'no such session';
    end if;
    return person;
exception
    when invalid_text_representation then
        raise invalid_authorization_specification using message = 'no such session';
end
$$;

revoke all on all functions in schema sec from public;
"""


def upgrade() -> None:
    """Make people, logins, sessions, and the functions by which every transaction is entered."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(TABLES)
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("grant usage on schema sec to pat_trail")
    op.execute("reset role")

"""Organisations' own OpenID providers: which there are, who goes to one, and as whom she comes back."""

from alembic import op

revision = "2026_11_22_31"
down_revision = "2026_11_22_24"
branch_labels = None
depends_on = None

TABLES = """
create table sec.upstreams (
    id uuid default gen_random_uuid() not null,
    organisation_id uuid not null,
    name text not null,
    issuer text not null,
    client_id text not null,
    sealed bytea,
    key smallint default 1 not null,
    serves text default 'ORGANISATION' not null,
    counts_as_both text[] default '{}' not null,
    is_inside boolean default false not null,
    created_at timestamp with time zone default now() not null,
    disabled_at timestamp with time zone,
    constraint pk_upstreams primary key (id),
    constraint ck_upstreams_serves check (serves in ('ORGANISATION', 'NETWORK'))
);

create index ix_upstreams_organisation_id on sec.upstreams (organisation_id);

create table sec.upstream_visits (
    state_hash bytea not null,
    upstream_id uuid not null,
    browser_id uuid not null,
    ask_id uuid,
    person_id uuid,
    created_at timestamp with time zone not null,
    expires_at timestamp with time zone not null,
    used_at timestamp with time zone,
    constraint pk_upstream_visits primary key (state_hash),
    constraint fk_upstream_visits_upstream_id foreign key(upstream_id) references sec.upstreams (id),
    constraint fk_upstream_visits_browser_id foreign key(browser_id) references sec.browsers (id) on delete cascade
);

create index ix_upstream_visits_browser_id on sec.upstream_visits (browser_id);
create index ix_upstream_visits_upstream_id on sec.upstream_visits (upstream_id);

create table sec.upstream_identities (
    upstream_id uuid not null,
    subject text not null,
    person_id uuid not null,
    linked_at timestamp with time zone default now() not null,
    ended_at timestamp with time zone,
    constraint pk_upstream_identities primary key (upstream_id, subject),
    constraint fk_upstream_identities_upstream_id foreign key(upstream_id) references sec.upstreams (id),
    constraint fk_upstream_identities_person_id foreign key(person_id) references sec.people (id)
);

create index ix_upstream_identities_person_id on sec.upstream_identities (person_id);

alter table sec.browsers
    add column upstream_id uuid,
    add constraint fk_browsers_upstream_id foreign key(upstream_id) references sec.upstreams (id);
"""

FUNCTIONS = """
create function sec.link_upstream(upstream uuid, identifier text, person uuid) returns boolean
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
    if not found then return false; end if;
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

create function sec.unlink_upstream(upstream uuid, person uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
begin
    update sec.upstream_identities i set ended_at = now()
    where i.upstream_id = upstream and i.person_id = person and i.ended_at is null;
    if not found then return false; end if;
    perform trail.append(
        u.organisation_id, person, 'upstream.unlinked', array[person], jsonb_build_object('upstream', upstream))
    from sec.upstreams u where u.id = upstream;
    return true;
end
$$;

revoke all on function sec.link_upstream(uuid, text, uuid), sec.unlink_upstream(uuid, uuid) from public;
"""


def upgrade() -> None:
    """Make the tables and the functions. The wall says who may do what."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(TABLES)
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("reset role")

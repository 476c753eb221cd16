"""The trail is read: an event for each set of classes, signed heads, and safety holds, which hide it from whom it is about."""

from alembic import op

revision = "2026_11_22_39"
down_revision = "2026_11_22_32"
branch_labels = None
depends_on = None

# Whoever one is about must not be told that more of hers was read than was: those of whom the same classes were read share an event.
TRAIL = r"""
create or replace function trail.reveal(operation text, revealed jsonb) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select max(trail.record(
        'record.read', e.subjects, jsonb_build_object('operation', operation, 'classes', e.classes)))
    from (
        select array_agg(s.subject order by s.subject) as subjects, s.classes
        from (
            select (r ->> 1)::uuid as subject, jsonb_agg(distinct r ->> 0) as classes
            from jsonb_array_elements(revealed) r group by 1) s
        group by s.classes order by s.classes) e
$$;

create index ix_events_at on trail.events (at);

create table trail.signatures (
    organisation_id uuid not null,
    number bigint not null,
    hash bytea not null,
    signed_at timestamp with time zone default now() not null,
    signature text not null,
    constraint pk_signatures primary key (organisation_id, number)
);

create function trail.unsigned_heads() returns table (organisation_id uuid, number bigint, hash bytea)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select h.organisation_id, h.number, h.hash from trail.heads h
    where not exists (
        select from trail.signatures s where s.organisation_id = h.organisation_id and s.number = h.number)
$$;

-- What was signed last must still stand there when the next is signed. It is a hash: whoever signs sees no event.
create function trail.hash_of(organisation uuid, number bigint) returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select e.hash from trail.events e where e.organisation_id = hash_of.organisation and e.number = hash_of.number
$$;

-- A signature that is there is not replaced: it may be what shows that the chain was written anew.
create function trail.keep_signature(organisation uuid, number bigint, hash bytea, signature text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into trail.signatures (organisation_id, number, hash, signature)
    values (keep_signature.organisation, keep_signature.number, keep_signature.hash, keep_signature.signature)
    on conflict do nothing
$$;

-- What a client asks for does not pass the barrier of a view, and so finds no index: this does. It shows numbers alone.
create function trail.numbers_about(subject uuid) returns setof bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select e.number from trail.events e
    where e.organisation_id = substr(session_user::text, 5, 32)::uuid and e.subjects @> array[numbers_about.subject]
    and sec.actor() is not null and e.login !~ '^org_[0-9a-f]{32}_survivor$'
$$;

revoke all on function trail.numbers_about(uuid), trail.unsigned_heads(), trail.hash_of(uuid, bigint),
    trail.keep_signature(uuid, bigint, bytea, text) from public;
"""

HOLDS = """
create table app.safety_holds (
    organisation_id uuid not null,
    id uuid not null,
    survivor_id uuid not null,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    updated_by uuid,
    lifted_at timestamp with time zone,
    constraint pk_safety_holds primary key (organisation_id, id),
    constraint fk_safety_holds_organisation_id foreign key(organisation_id) references app.organisations (id),
    constraint fk_safety_holds_survivor foreign key(organisation_id, survivor_id) references app.survivors (organisation_id, id)
);

create unique index uq_safety_holds_in_force on app.safety_holds (organisation_id, survivor_id) where lifted_at is null;
"""

# Whoever is held must not learn it: she has no right on the table, and whoever looks with her sees that there is nothing.
HELD = """
create function sec.is_held() returns boolean
language sql stable security definer parallel safe set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from app.safety_holds h
        where h.organisation_id = substr(session_user::text, 5, 32)::uuid and h.survivor_id = sec.survivor()
        and h.lifted_at is null)
$$;

revoke all on function sec.is_held() from public;
"""


def upgrade() -> None:
    """Make tables, index and functions. The wall says who may do what."""
    op.execute("set local role pat_trail")
    op.get_bind().exec_driver_sql(TRAIL)
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(HOLDS)
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(HELD)
    op.execute("reset role")

"""The trail: events, the heads of their chains, and the two functions that append to it."""

from alembic import op

revision = "2026_11_21_03"
down_revision = "2026_11_21_02"
branch_labels = None
depends_on = None

TABLES = """
create table trail.events (
    organisation_id uuid not null,
    number bigint not null,
    at timestamp with time zone not null,
    login text not null,
    actor uuid,
    action text not null,
    subjects uuid[] not null,
    detail text not null,
    previous bytea not null,
    hash bytea not null,
    constraint pk_events primary key (organisation_id, number)
);

create index ix_events_subjects on trail.events using gin (subjects);

create table trail.heads (
    organisation_id uuid not null,
    number bigint not null,
    hash bytea not null,
    constraint pk_heads primary key (organisation_id)
);
"""

FUNCTIONS = r"""
create function trail.field(value text) returns bytea
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
    select convert_to(octet_length(convert_to(value, 'UTF8'))::text || ':' || value, 'UTF8')
$$;

create function trail.record(action text, subjects uuid[], detail jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    organisation uuid;
    head trail.heads;
    person uuid := sec.actor();
    moment timestamptz;
    digest bytea;
begin
    if session_user !~ '^org_[0-9a-f]{32}_' then
        raise insufficient_privilege using message = 'only an organisation has a trail';
    end if;
    if person is null then
        raise invalid_authorization_specification using message = 'no such session';
    end if;
    -- What verification cannot read back must not get in: one such event would make a true chain look broken.
    -- An array of more dimensions is an error of array_position itself.
    if array_position(subjects, null) is not null then
        raise invalid_parameter_value using message = 'subjects are a plain list of ids';
    end if;
    organisation := substr(session_user::text, 5, 32)::uuid;
    insert into trail.heads values (organisation, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing;
    select * into head from trail.heads h where h.organisation_id = organisation for update;
    moment := clock_timestamp();
    digest := sha256(
        head.hash || trail.field(organisation::text) || trail.field((head.number + 1)::text)
        || trail.field(to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || trail.field(session_user::text) || trail.field(coalesce(person::text, '')) || trail.field(action)
        || trail.field(array_to_string(subjects, ',')) || trail.field(detail::text));
    insert into trail.events
    values (organisation, head.number + 1, moment, session_user, person, action, subjects, detail::text, head.hash, digest);
    update trail.heads set number = head.number + 1, hash = digest where organisation_id = organisation;
    return head.number + 1;
end
$$;

create function trail.reveal(operation text, revealed jsonb) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select trail.record(
        'record.read',
        (select array_agg(distinct (r ->> 1)::uuid) from jsonb_array_elements(revealed) r),
        jsonb_build_object(
            'operation', operation,
            'classes', (select jsonb_agg(distinct r ->> 0) from jsonb_array_elements(revealed) r)))
    where jsonb_array_length(revealed) > 0
$$;

revoke all on all functions in schema trail from public;
"""


def upgrade() -> None:
    """Make the trail and the two functions that the application may call."""
    op.execute("set local role pat_trail")
    op.get_bind().exec_driver_sql(TABLES)
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("reset role")

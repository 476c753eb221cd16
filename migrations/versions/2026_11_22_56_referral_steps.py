"""Each step that a sender leads its referral to is kept, with who took it and when; rows are added, never changed."""

from alembic import op

revision = "2026_11_22_56"
down_revision = "2026_11_22_55"
branch_labels = None
depends_on = None

TABLE = """
create table app.referral_steps (
    organisation_id uuid not null,
    id uuid default gen_random_uuid() not null,
    referral_id uuid not null,
    case_id uuid not null,
    survivor_id uuid not null,
    state text not null,
    actor uuid,
    taken_at timestamp with time zone default clock_timestamp() not null,
    constraint pk_referral_steps primary key (organisation_id, id),
    constraint ck_referral_steps_state
        check (state in ('DRAFT', 'CONSENT_RECORDED', 'SENT', 'SUSPENDED', 'REVOKED', 'CLOSED')),
    constraint fk_referral_steps_organisation_id foreign key (organisation_id) references app.organisations (id)
);
create index ix_referral_steps_organisation_id_referral_id_taken_at
    on app.referral_steps (organisation_id, referral_id, taken_at);

alter table app.referrals no force row level security;
insert into app.referral_steps (organisation_id, referral_id, case_id, survivor_id, state, actor, taken_at)
select r.organisation_id, r.id, r.case_id, r.survivor_id, s.state, s.actor, s.taken_at from app.referrals r
cross join lateral (values
    ('DRAFT', r.created_by, r.created_at),
    ('SENT', null, r.sent_at),
    (case when r.state not in ('DRAFT', 'SENT') then r.state end, null, coalesce(r.ended_at, now()))
) s (state, actor, taken_at)
where s.state is not null and s.taken_at is not null;
alter table app.referrals force row level security;
"""

# Nobody writes a step: it is written when one is taken, by whoever takes it.
FUNCTION = """
create function sec.note_step() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and old.state = new.state then return null; end if;
    insert into app.referral_steps (organisation_id, referral_id, case_id, survivor_id, state, actor)
    values (new.organisation_id, new.id, new.case_id, new.survivor_id, new.state, sec.actor());
    return null;
end
$$;

revoke all on function sec.note_step() from public;
grant usage on schema sec to pat_owner;
grant execute on function sec.note_step() to pat_owner;
"""

TRIGGER = """
create trigger note_step after insert or update on app.referrals
for each row execute function sec.note_step();
"""


def upgrade() -> None:
    """Make the table, put in what is known of steps that were taken before, and keep all that follow."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(TABLE)
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(FUNCTION)
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(TRIGGER)
    op.execute("set local role pat_sec")
    # Who makes a trigger must be allowed to call its function; whoever sets it off need not.
    op.execute("revoke execute on function sec.note_step() from pat_owner")
    op.execute("reset role")

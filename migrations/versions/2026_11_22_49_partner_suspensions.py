"""Partners whom the secretariat has suspended in the whole network, and who is woken by it."""

from alembic import op

revision = "2026_11_22_49"
down_revision = "2026_11_22_45"
branch_labels = None
depends_on = None

SUSPENSIONS = """
create table app.partner_suspensions (
    organisation_id uuid not null,
    id uuid not null,
    partner_id uuid not null,
    reason text not null,
    created_by uuid not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    updated_by uuid,
    lifted_at timestamp with time zone,
    constraint pk_partner_suspensions primary key (organisation_id, id),
    constraint ck_partner_suspensions_reason check (reason in ('COMPROMISED', 'CLOSED', 'UNDER_REVIEW')),
    constraint ck_partner_suspensions_partner check (partner_id <> organisation_id),
    constraint fk_partner_suspensions_organisation_id foreign key (organisation_id) references app.organisations (id),
    constraint fk_partner_suspensions_partner_id foreign key (partner_id) references app.organisations (id)
);

create unique index uq_partner_suspensions_in_force on app.partner_suspensions (organisation_id, partner_id)
    where lifted_at is null;
"""

# Whoever has a referral of the partner's open looks again: both sides are told, by the names that they know.
WAKING = """
create function sec.note_suspension() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and old.lifted_at is not distinct from new.lifted_at then return null; end if;
    insert into app.referral_changes (organisation_id, referral_id, case_id, survivor_id)
    select r.organisation_id, r.id, r.case_id, r.survivor_id from app.referrals r
    where new.partner_id in (r.organisation_id, r.to_organisation_id)
    union all
    select r.to_organisation_id, r.received_id, null, null from app.referrals r
    where new.partner_id in (r.organisation_id, r.to_organisation_id);
    notify pat_changes;
    return null;
end
$$;

revoke all on function sec.note_suspension() from public;
grant usage on schema sec to pat_owner;
grant execute on function sec.note_suspension() to pat_owner;
"""

NOTING = """
create trigger note after insert or update on app.partner_suspensions
for each row execute function sec.note_suspension();
"""


def upgrade() -> None:
    """Make the table, and what wakes whoever waits. The wall says who may do what; the doors ask it from now on."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(SUSPENSIONS)
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(WAKING)
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(NOTING)
    op.execute("set local role pat_sec")
    # Who makes a trigger must be allowed to call its function; whoever sets it off need not.
    op.execute("revoke execute on function sec.note_suspension() from pat_owner")
    op.execute("reset role")

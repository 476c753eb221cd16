"""What a receiver does about a referral: to whom it gives it, and what has been done. Rows are added, never changed."""

from alembic import op

revision = "2026_11_22_54"
down_revision = "2026_11_22_47"
branch_labels = None
depends_on = None

_KINDS = (
    "CONTACT_MADE VISIT_MADE LAWYER_APPOINTED APPLICATION_FILED ORDER_RECEIVED SHELTER_GIVEN TRACED"
    " RETURN_ARRANGED RETURNED OTHER_STEP"
)

TABLES = """
create table app.referral_updates (
    organisation_id uuid not null,
    id uuid not null,
    referral_organisation_id uuid not null,
    referral_id uuid not null,
    kind text not null,
    happened_on date not null,
    created_by uuid not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint pk_referral_updates primary key (organisation_id, id),
    constraint ck_referral_updates_kind check (kind in ({kinds})),
    constraint ck_referral_updates_happened_on check (happened_on >= date '2000-01-01'
        and happened_on <= (created_at at time zone 'Asia/Kolkata')::date),
    constraint fk_referral_updates_organisation_id foreign key (organisation_id) references app.organisations (id),
    constraint fk_referral_updates_referral foreign key (referral_organisation_id, referral_id)
        references app.referrals (organisation_id, received_id)
);
create index ix_referral_updates_of_referral
    on app.referral_updates (organisation_id, referral_organisation_id, referral_id);

create table app.referral_assignments (
    organisation_id uuid not null,
    id uuid not null,
    referral_organisation_id uuid not null,
    referral_id uuid not null,
    membership_id uuid,
    created_by uuid not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint pk_referral_assignments primary key (organisation_id, id),
    constraint fk_referral_assignments_organisation_id foreign key (organisation_id) references app.organisations (id),
    constraint fk_referral_assignments_referral foreign key (referral_organisation_id, referral_id)
        references app.referrals (organisation_id, received_id),
    constraint fk_referral_assignments_membership foreign key (organisation_id, membership_id)
        references app.memberships (organisation_id, id)
);
create index ix_referral_assignments_newest
    on app.referral_assignments (organisation_id, referral_organisation_id, referral_id, created_at);
create index ix_referral_assignments_organisation_id_membership_id
    on app.referral_assignments (organisation_id, membership_id);
"""

# Who works on it is the receiver's business: the sender is not even told that it has changed.
FUNCTION = """
create function sec.note_assignment() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into app.referral_changes (organisation_id, referral_id, case_id, survivor_id)
    values (new.organisation_id, new.referral_id, null, null);
    notify pat_changes;
    return null;
end
$$;

revoke all on function sec.note_assignment() from public;
grant usage on schema sec to pat_owner;
grant execute on function sec.note_assignment(), sec.note_word_on_referral() to pat_owner;
"""

TRIGGERS = """
create trigger note after insert or update on app.referral_updates
for each row execute function sec.note_word_on_referral();
create trigger note after insert or update on app.referral_assignments
for each row execute function sec.note_assignment();
"""


def upgrade() -> None:
    """Make the tables, and what wakes whoever waits. The wall says who may do what."""
    op.execute("set local role pat_owner")
    kinds = ", ".join(f"'{kind}'" for kind in _KINDS.split())
    op.get_bind().exec_driver_sql(TABLES.format(kinds=kinds))
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(FUNCTION)
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(TRIGGERS)
    op.execute("set local role pat_sec")
    # Who makes a trigger must be allowed to call its function; whoever sets it off need not.
    op.execute("revoke execute on function sec.note_assignment(), sec.note_word_on_referral() from pat_owner")
    op.execute("reset role")

"""What has changed about referrals, for those who wait for it: whom to wake, and what to look at."""

from alembic import op

revision = "2026_11_22_33"
down_revision = "2026_11_22_39"
branch_labels = None
depends_on = None

TABLE = """
create table app.referral_changes (
    organisation_id uuid not null,
    id uuid default gen_random_uuid() not null,
    referral_id uuid not null,
    case_id uuid,
    survivor_id uuid,
    transaction bigint default pg_current_xact_id()::text::bigint not null,
    changed_at timestamp with time zone default now() not null,
    constraint pk_referral_changes primary key (organisation_id, id),
    constraint fk_referral_changes_organisation_id foreign key (organisation_id) references app.organisations (id)
);
create index ix_referral_changes_organisation_id_transaction on app.referral_changes (organisation_id, transaction);
create index ix_referral_changes_transaction on app.referral_changes (transaction);
create index ix_referral_changes_changed_at on app.referral_changes (changed_at);
create index ix_referrals_organisation_id_agreed_until on app.referrals (organisation_id, agreed_until);
"""

# A wake-up says nothing: whoever is connected may listen.
FUNCTIONS = """
create function sec.note_referral() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into app.referral_changes (organisation_id, referral_id, case_id, survivor_id)
    values
        (new.organisation_id, new.id, new.case_id, new.survivor_id),
        (new.to_organisation_id, new.received_id, null, null);
    notify pat_changes;
    return null;
end
$$;

create function sec.note_word_on_referral() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into app.referral_changes (organisation_id, referral_id, case_id, survivor_id)
    select r.organisation_id, r.id, r.case_id, r.survivor_id from app.referrals r
    where r.organisation_id = new.referral_organisation_id and r.received_id = new.referral_id
    union all
    select new.organisation_id, new.referral_id, null, null;
    notify pat_changes;
    return null;
end
$$;

create function sec.changed_since(seen pg_snapshot) returns uuid[]
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select array(
        select distinct c.organisation_id from app.referral_changes c
        where c.transaction >= pg_snapshot_xmin(seen)::text::bigint
        and not pg_visible_in_snapshot(c.transaction::text::xid8, seen))
$$;

create function sec.live_among(sessions uuid[]) returns uuid[]
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select array(
        select s.id from sec.sessions s
        join app.memberships m on m.organisation_id = s.organisation_id and m.id = s.membership_id and m.person_id = s.person_id
        join sec.people p on p.id = s.person_id
        where s.id = any(sessions) and s.revoked_at is null and s.expires_at > now()
        and s.login = 'org_' || replace(m.organisation_id::text, '-', '') || '_' || m.role
        and m.ended_at is null and p.disabled_at is null)
$$;

create function sec.forget_changes() returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from app.referral_changes where changed_at < now() - interval '8 days'
$$;

revoke all on all functions in schema sec from public;
grant usage on schema sec to pat_owner;
grant execute on function sec.note_referral(), sec.note_word_on_referral() to pat_owner;
"""

TRIGGERS = """
create trigger note after insert or update on app.referrals for each row execute function sec.note_referral();
create trigger note after insert or update on app.referral_answers for each row execute function sec.note_word_on_referral();
create trigger note after insert or update on app.referral_hearings for each row execute function sec.note_word_on_referral();
"""


def upgrade() -> None:
    """Make the table, what writes it and what reads it. The wall says who may do what with them."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(TABLE)
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(TRIGGERS)
    op.execute("set local role pat_sec")
    # Who makes a trigger must be allowed to call its function; whoever sets it off need not.
    op.execute("revoke execute on function sec.note_referral(), sec.note_word_on_referral() from pat_owner")
    op.execute("reset role")

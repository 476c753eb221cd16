"""The sender confirms its end of a link in a row of its own; what changes of days in court is told to both sides."""

from alembic import op

revision = "2026_11_22_50"
down_revision = "2026_11_22_54"
branch_labels = None
depends_on = None

CONFIRMATIONS = """
create table app.hearing_confirmations (
    organisation_id uuid not null,
    hearing_id uuid not null,
    hearing_organisation_id uuid not null,
    referral_id uuid not null,
    case_id uuid not null,
    survivor_id uuid not null,
    remote_point text not null,
    has_coordinator boolean not null,
    support_person text,
    created_by uuid not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    updated_by uuid not null,
    updated_at timestamp with time zone default clock_timestamp() not null,
    constraint pk_hearing_confirmations primary key (organisation_id, hearing_id),
    constraint fk_hearing_confirmations_organisation_id foreign key (organisation_id) references app.organisations (id),
    constraint fk_hearing_confirmations_hearing foreign key (hearing_organisation_id, hearing_id)
        references app.referral_hearings (organisation_id, id),
    constraint fk_hearing_confirmations_referral foreign key (organisation_id, referral_id)
        references app.referrals (organisation_id, id),
    constraint fk_hearing_confirmations_case foreign key (organisation_id, case_id, survivor_id)
        references app.cases (organisation_id, id, survivor_id),
    constraint ck_hearing_confirmations_support_person check (support_person in ('SOCIAL_WORKER', 'COUNSELLOR',
        'LAWYER', 'CHILD_WELFARE_OFFICER', 'FAMILY', 'OTHER')),
    constraint ck_hearing_confirmations_remote_point check (length(remote_point) <= 120 and remote_point !~ '[0-9]{4}')
);

create index ix_hearing_confirmations_organisation_id_referral_id on app.hearing_confirmations (organisation_id, referral_id);

alter table app.referral_changes add column is_of_hearings boolean default false not null;
"""

STEPS = """
alter table app.transitions drop constraint ck_transitions_guard;
alter table app.transitions add constraint ck_transitions_guard check (guard in (
    'CONSENT', 'TERMS', 'VIDEO', 'LINK', 'SUPPORT', 'ROOM', 'LINK_CONFIRMED', 'SUPPORT_CONFIRMED'));
"""

# It runs as the caller, and asks what she may see. Whoever row security does not bind repairs and restores: she is not asked.
FUNCTION = """
create or replace function app.take_hearing_step() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    needed text;
    is_a_child boolean;
    remote text := new.remote_point;
    coordinated boolean := new.has_coordinator;
    supported text := new.support_person;
begin
    if not row_security_active(tg_relid) then return new; end if;
    if tg_op = 'INSERT' then
        -- What is told of the past has happened.
        if new.state = 'SCHEDULED'
        or (new.state = 'HELD' and new.held_on <= (now() at time zone 'Asia/Kolkata')::date) then
            return new;
        end if;
        raise check_violation using message = 'a hearing begins as scheduled', constraint = 'transition';
    end if;
    if new.state = old.state then return new; end if;
    select t.guard into needed from app.transitions t
    where t.noun = tg_argv[0] and t.from_state = old.state and t.to_state = new.state
    and substr(session_user::text, 38) = any (t.roles);
    if not found then
        raise check_violation using message = 'a hearing cannot take that step now', constraint = 'transition';
    end if;
    if needed in ('LINK_CONFIRMED', 'SUPPORT_CONFIRMED') then
        -- Her end is known to who sent the referral: what is confirmed counts, and not what was wished for.
        select c.remote_point, c.has_coordinator, coalesce(new.support_person, c.support_person)
        into remote, coordinated, supported
        from door.received_confirmations c where c.hearing_id = new.id and c.referral_id = new.referral_id;
        if not found then
            raise check_violation using message = 'her end of the link is not confirmed', constraint = 'transition';
        end if;
        if new.remote_point <> remote then
            raise check_violation using message = 'another place was confirmed', constraint = 'transition';
        end if;
        needed := replace(needed, '_CONFIRMED', '');
    end if;
    if needed in ('VIDEO', 'LINK', 'SUPPORT') and new.mode <> 'VIDEO' or needed = 'ROOM' and new.mode <> 'PHYSICAL' then
        raise check_violation using message = 'that is no step of this mode', constraint = 'transition';
    end if;
    if needed in ('LINK', 'SUPPORT') and (new.court_point is null or remote is null) then
        raise check_violation using message = 'a video link has two ends', constraint = 'transition';
    end if;
    if needed = 'SUPPORT' and not coordinated then
        raise check_violation using message = 'nobody coordinates the remote point', constraint = 'transition';
    end if;
    if needed in ('SUPPORT', 'ROOM') and supported is null then
        if tg_argv[0] = 'hearing' then
            select coalesce(extract(year from now()) - s.birth_year <= 18, s.is_minor_at_intake) into is_a_child
            from app.survivors s where s.organisation_id = new.organisation_id and s.id = new.survivor_id;
        else
            select d.needs_support into is_a_child
            from door.received_support d where d.referral_id = new.referral_id;
        end if;
        if coalesce(is_a_child, true) then
            raise check_violation using message = 'a child does not speak alone', constraint = 'transition';
        end if;
    end if;
    return new;
end
$$;
"""

# A receiver is told of a day in court while hearings are shared: what is noted for it says that it is about them.
WAKING = """
create function sec.note_hearing() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into app.referral_changes (organisation_id, referral_id, case_id, survivor_id, is_of_hearings)
    select r.to_organisation_id, r.received_id, null, null, true from app.referrals r
    where r.organisation_id = new.organisation_id and r.case_id = new.case_id;
    if found then notify pat_changes; end if;
    return null;
end
$$;

create function sec.note_confirmation() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into app.referral_changes (organisation_id, referral_id, case_id, survivor_id, is_of_hearings)
    select r.organisation_id, r.id, r.case_id, r.survivor_id, false from app.referrals r
    where r.organisation_id = new.organisation_id and r.id = new.referral_id
    union all
    select r.to_organisation_id, r.received_id, null, null, true from app.referrals r
    where r.organisation_id = new.organisation_id and r.id = new.referral_id;
    notify pat_changes;
    return null;
end
$$;

revoke all on function sec.note_hearing(), sec.note_confirmation() from public;
grant usage on schema sec to pat_owner;
grant execute on function sec.note_hearing(), sec.note_confirmation() to pat_owner;
"""

NOTING = """
create trigger note after insert or update on app.hearings for each row execute function sec.note_hearing();
create trigger note after insert or update on app.hearing_confirmations for each row execute function sec.note_confirmation();
"""


def upgrade() -> None:
    """Make the table, the steps that ask it, and what tells both sides. The wall says who may do what."""
    connection = op.get_bind()
    op.execute("set local role pat_owner")
    connection.exec_driver_sql(CONFIRMATIONS)
    connection.exec_driver_sql(STEPS)
    connection.exec_driver_sql(FUNCTION)
    op.execute("set local role pat_sec")
    connection.exec_driver_sql(WAKING)
    op.execute("set local role pat_owner")
    connection.exec_driver_sql(NOTING)
    op.execute("set local role pat_sec")
    # Who makes a trigger must be allowed to call its function; whoever sets it off need not.
    op.execute("revoke execute on function sec.note_hearing(), sec.note_confirmation() from pat_owner")
    op.execute("reset role")

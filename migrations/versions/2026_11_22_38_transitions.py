"""Transitions: the table of steps, and the triggers by which a referral takes no other."""

from alembic import op

revision = "2026_11_22_38"
down_revision = "2026_11_22_37"
branch_labels = None
depends_on = None

TRANSITIONS = """
create table app.transitions (
    noun text not null,
    from_state text not null,
    to_state text not null,
    permission text not null,
    guard text,
    roles text[] not null,
    constraint pk_transitions primary key (noun, from_state, to_state),
    constraint ck_transitions_noun check (noun in ('referral')),
    constraint ck_transitions_guard check (guard in ('CONSENT', 'TERMS'))
);
"""

# They run as the caller, and ask what she may see. Whoever row security does not bind repairs and restores: she is not asked.
FUNCTIONS = """
create function app.take_step() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    seen text;
    needed text;
begin
    if not row_security_active('app.referrals'::regclass) then return new; end if;
    if tg_op = 'INSERT' then
        if new.state <> 'DRAFT' then
            raise check_violation using message = 'a referral begins as a draft', constraint = 'transition';
        end if;
        return new;
    end if;
    if new.state = old.state then return new; end if;
    select s.status into seen from door.referral_states s where s.id = old.id;
    select t.guard into needed from app.transitions t
    where t.noun = 'referral' and t.from_state = seen and t.to_state = new.state
    and substr(session_user::text, 38) = any (t.roles);
    if not found then
        raise check_violation using message = 'a referral cannot take that step now', constraint = 'transition';
    end if;
    if needed is not null and not exists (
        select from app.consents c
        where c.organisation_id = new.organisation_id and c.id = new.consent_id and cardinality(new.scopes) > 0
        and new.scopes <@ c.scopes and c.valid_until > statement_timestamp()
        and new.agreed_until > statement_timestamp() and not exists (
            select from app.consent_withdrawals w
            where w.organisation_id = c.organisation_id and w.consent_id = c.id)
    ) then
        raise check_violation using message = 'no consent covers this referral', constraint = 'transition';
    end if;
    if needed = 'TERMS' and not exists (
        select from door.agreements a
        where a.partner_id = new.to_organisation_id and a.status = 'LIVE' and new.scopes <@ a.scopes
    ) then
        raise check_violation using message = 'no agreement covers this referral', constraint = 'transition';
    end if;
    return new;
end
$$;

create function app.take_answer() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    seen text;
begin
    if not row_security_active('app.referral_answers'::regclass) then return new; end if;
    -- What is not open to her is refused by the policy, like what does not exist.
    seen := app.received_status(new.referral_organisation_id, new.referral_id);
    if seen in ('SENT', 'ACCEPTED', 'IN_PROGRESS') and not exists (
        select from app.transitions t
        where t.noun = 'referral' and t.from_state = seen and t.to_state = new.answer
        and substr(session_user::text, 38) = any (t.roles)
    ) then
        raise check_violation using message = 'a referral cannot be answered like that now', constraint = 'transition';
    end if;
    return new;
end
$$;

revoke all on function app.take_step(), app.take_answer() from public;

create trigger take_step before insert or update on app.referrals
for each row execute function app.take_step();

create trigger take_answer before insert on app.referral_answers
for each row execute function app.take_answer();
"""

# Whoever waits for referrals is woken when what they stand on is withdrawn, suspended or signed anew.
WAKING = """
create function sec.note_withdrawal() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into app.referral_changes (organisation_id, referral_id, case_id, survivor_id)
    select r.organisation_id, r.id, r.case_id, r.survivor_id from app.referrals r
    where r.organisation_id = new.organisation_id and r.consent_id = new.consent_id
    union all
    select r.to_organisation_id, r.received_id, null, null from app.referrals r
    where r.organisation_id = new.organisation_id and r.consent_id = new.consent_id;
    notify pat_changes;
    return null;
end
$$;

create function sec.note_agreement() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- Who signed what stood there has changed nothing.
    if tg_op = 'UPDATE' and (old.scopes, old.valid_from, old.valid_until, old.suspended_at)
        is not distinct from (new.scopes, new.valid_from, new.valid_until, new.suspended_at)
    then
        return null;
    end if;
    insert into app.referral_changes (organisation_id, referral_id, case_id, survivor_id)
    select r.organisation_id, r.id, r.case_id, r.survivor_id from app.referrals r
    where (r.organisation_id, r.to_organisation_id) in (
        (new.organisation_id, new.partner_id), (new.partner_id, new.organisation_id))
    union all
    select r.to_organisation_id, r.received_id, null, null from app.referrals r
    where (r.organisation_id, r.to_organisation_id) in (
        (new.organisation_id, new.partner_id), (new.partner_id, new.organisation_id));
    notify pat_changes;
    return null;
end
$$;

revoke all on function sec.note_withdrawal(), sec.note_agreement() from public;
grant usage on schema sec to pat_owner;
grant execute on function sec.note_withdrawal(), sec.note_agreement() to pat_owner;
"""

NOTING = """
create trigger note after insert on app.consent_withdrawals for each row execute function sec.note_withdrawal();
create trigger note after insert or update on app.agreements for each row execute function sec.note_agreement();
"""


def upgrade() -> None:
    """Make the table, which the wall fills, the triggers that ask it, and those that wake whoever waits."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(TRANSITIONS)
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(WAKING)
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(NOTING)
    op.execute("set local role pat_sec")
    # Who makes a trigger must be allowed to call its function; whoever sets it off need not.
    op.execute("revoke execute on function sec.note_withdrawal(), sec.note_agreement() from pat_owner")
    op.execute("reset role")

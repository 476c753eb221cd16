"""A legal basis is approved, ended and reviewed once each; a referral that stands on one takes the steps of one that stands on consent."""

from alembic import op

revision = "2026_11_22_47"
down_revision = "2026_11_22_46"
branch_labels = None
depends_on = None

# They run as the caller, and ask what she may see. Whoever row security does not bind repairs and restores: she is not asked.
FUNCTIONS = """
create function app.take_basis_step() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    me uuid;
begin
    if not row_security_active('app.legal_bases'::regclass) then return new; end if;
    me := sec.actor();
    if (new.approved_by, new.approved_at) is distinct from (old.approved_by, old.approved_at) then
        if old.approved_at is not null or old.ended_at is not null or old.valid_until <= clock_timestamp()
            or new.approved_by is distinct from me
            or not exists (
                select from app.legal_basis_reasons w where w.organisation_id = old.organisation_id and w.basis_id = old.id)
        then
            raise check_violation using message = 'this basis cannot be approved now', constraint = 'transition';
        end if;
        new.approved_at := clock_timestamp();
    end if;
    if (new.ended_by, new.ended_at) is distinct from (old.ended_by, old.ended_at) then
        if old.ended_at is not null or old.valid_until <= clock_timestamp() or new.ended_by is distinct from me then
            raise check_violation using message = 'this basis cannot be ended now', constraint = 'transition';
        end if;
        new.ended_at := clock_timestamp();
    end if;
    if (new.reviewed_by, new.reviewed_at, new.review) is distinct from (old.reviewed_by, old.reviewed_at, old.review) then
        if old.reviewed_at is not null or new.reviewed_by is distinct from me
            or (old.ended_at is null and old.valid_until > clock_timestamp())
        then
            raise check_violation using message = 'this basis cannot be reviewed now', constraint = 'transition';
        end if;
        new.reviewed_at := clock_timestamp();
    end if;
    return new;
end
$$;

revoke all on function app.take_basis_step() from public;

create trigger take_step before update on app.legal_bases
for each row execute function app.take_basis_step();

create or replace function app.take_step() returns trigger
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
    if new.state = old.state and (new.consent_id, new.basis_id) is not distinct from (old.consent_id, old.basis_id) then
        return new;
    end if;
    select s.status into seen from door.referral_states s where s.id = old.id;
    if new.state = old.state then
        -- To stand on something else opens nothing that was withdrawn or ended: to send it is a step of its own.
        if new.state = 'SENT' and seen = 'REVOKED' then
            raise check_violation using message = 'what was withdrawn goes on when it is sent anew', constraint = 'transition';
        end if;
        return new;
    end if;
    -- What reads as revoked may follow from a withdrawal. What its sender has revoked itself takes no step any more.
    select t.guard into needed from app.transitions t
    where t.noun = 'referral' and t.from_state = seen and t.to_state = new.state and old.state <> 'REVOKED'
    and substr(session_user::text, 38) = any (t.roles);
    if not found then
        raise check_violation using message = 'a referral cannot take that step now', constraint = 'transition';
    end if;
    if needed is not null and not (
        cardinality(new.scopes) > 0 and coalesce(new.agreed_until > clock_timestamp(), false) and (exists (
            select from app.consents c
            where c.organisation_id = new.organisation_id and c.id = new.consent_id
            and new.scopes <@ c.scopes and c.valid_until > clock_timestamp() and not exists (
                select from app.consent_withdrawals w
                where w.organisation_id = c.organisation_id and w.consent_id = c.id)
        ) or exists (
            select from app.legal_bases b
            where b.organisation_id = new.organisation_id and b.id = new.basis_id
            and new.scopes <@ b.scopes and b.valid_until > clock_timestamp() and b.ended_at is null
            and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
        ))
    ) then
        raise check_violation using message = 'neither a consent nor another basis covers this referral',
            constraint = 'transition';
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
"""

# Whoever waits for referrals is woken when what they stand on begins or ends.
WAKING = """
create function sec.note_basis() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- Who has looked at it afterwards has changed nothing.
    if (old.approved_at, old.ended_at) is not distinct from (new.approved_at, new.ended_at) then return null; end if;
    insert into app.referral_changes (organisation_id, referral_id, case_id, survivor_id)
    select r.organisation_id, r.id, r.case_id, r.survivor_id from app.referrals r
    where r.organisation_id = new.organisation_id and r.basis_id = new.id
    union all
    select r.to_organisation_id, r.received_id, null, null from app.referrals r
    where r.organisation_id = new.organisation_id and r.basis_id = new.id;
    notify pat_changes;
    return null;
end
$$;

revoke all on function sec.note_basis() from public;
grant usage on schema sec to pat_owner;
grant execute on function sec.note_basis() to pat_owner;
"""

NOTING = """
create trigger note after update on app.legal_bases for each row execute function sec.note_basis();
"""


def upgrade() -> None:
    """Make the triggers: those that ask, and the one that wakes whoever waits."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(WAKING)
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(NOTING)
    op.execute("set local role pat_sec")
    # Who makes a trigger must be allowed to call its function; whoever sets it off need not.
    op.execute("revoke execute on function sec.note_basis() from pat_owner")
    op.execute("reset role")

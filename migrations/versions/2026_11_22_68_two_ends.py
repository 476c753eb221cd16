"""A day whose remote end nobody has confirmed lacks an end: that is asked once, where both ends are."""

from alembic import op

revision = "2026_11_22_68"
down_revision = "2026_11_22_67"
branch_labels = None
depends_on = None

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
        -- Her end is known to who sent the referral: what is confirmed counts, and not what was wished for; where nothing is,
        -- the link has one end.
        select c.remote_point, c.has_coordinator, coalesce(new.support_person, c.support_person)
        into remote, coordinated, supported
        from door.received_confirmations c where c.hearing_id = new.id and c.referral_id = new.referral_id;
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


def upgrade() -> None:
    """What was asked before is what the question after it asks too."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(FUNCTION)
    op.execute("reset role")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise NotImplementedError

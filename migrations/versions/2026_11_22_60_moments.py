"""When something was done is the database's to say: of a referral's steps, of what is confirmed and of what is lifted."""

from alembic import op

revision = "2026_11_22_60"
down_revision = "2026_11_22_59"
branch_labels = None
depends_on = None

# They run as the caller. Whoever row security does not bind repairs and restores: what she writes stays as it is.
FUNCTIONS = """
create function app.keep_moments() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not row_security_active('app.referrals'::regclass) then return new; end if;
    if tg_op = 'INSERT' then
        if num_nonnulls(new.sent_at, new.ended_at, new.reason) > 0 then
            raise check_violation using message = 'nothing has been done about a draft', constraint = 'transition';
        end if;
        new.created_at := clock_timestamp();
        return new;
    end if;
    if new.state = old.state then
        if (new.sent_at, new.ended_at, new.reason) is distinct from (old.sent_at, old.ended_at, old.reason) then
            raise check_violation using message = 'what is said of a step is said when it is taken', constraint = 'transition';
        end if;
        return new;
    end if;
    -- It was sent when it was sent first.
    new.sent_at := case when new.state = 'SENT' then coalesce(old.sent_at, clock_timestamp()) else old.sent_at end;
    new.ended_at := case when new.state in ('REVOKED', 'CLOSED') then clock_timestamp() end;
    return new;
end
$$;

create function app.keep_confirming() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if row_security_active('app.hearing_confirmations'::regclass) then new.updated_at := clock_timestamp(); end if;
    return new;
end
$$;

create function app.keep_lifting() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if row_security_active('app.partner_suspensions'::regclass) and new.lifted_at is not null then
        new.lifted_at := clock_timestamp();
    end if;
    return new;
end
$$;

revoke all on function app.keep_moments(), app.keep_confirming(), app.keep_lifting() from public;

create trigger keep_moments before insert or update on app.referrals
for each row execute function app.keep_moments();
create trigger keep_confirming before update on app.hearing_confirmations
for each row execute function app.keep_confirming();
create trigger keep_lifting before update on app.partner_suspensions
for each row execute function app.keep_lifting();
"""


def upgrade() -> None:
    """Make the triggers."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("reset role")

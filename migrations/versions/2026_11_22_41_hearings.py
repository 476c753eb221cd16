"""Days in court have a state, what a video link needs, and a trigger by which they take no step that is none."""

from alembic import op

revision = "2026_11_22_41"
down_revision = "2026_11_22_38"
branch_labels = None
depends_on = None

_CODES = {
    "state": "SCHEDULED VC_REQUESTED VC_CONFIRMED READY HELD ADJOURNED MISSED CANCELLED",
    "support_person": "SOCIAL_WORKER COUNSELLOR LAWYER CHILD_WELFARE_OFFICER FAMILY OTHER",
    "outcome": "EVIDENCE_RECORDED PARTLY_HEARD ORDER_MADE ORDER_RESERVED JUDGMENT COURT_DID_NOT_SIT LINK_FAILED"
    " SOMEBODY_ABSENT OTHER",
}

COLUMNS = """
alter table app.{table}
    add column state text default 'SCHEDULED' not null,
    add column court_point text,
    add column remote_point text,
    add column has_coordinator boolean default false not null,
    add column support_person text,
    add column interpreter_language text,
    add column outcome text,
    add column next_on date,
    add column updated_by uuid,
    add constraint ck_{table}_court_point check (length(court_point) <= 120 and court_point !~ '[0-9]{{4}}'),
    add constraint ck_{table}_remote_point check (length(remote_point) <= 120 and remote_point !~ '[0-9]{{4}}'),
    add constraint ck_{table}_interpreter_language check (interpreter_language ~ '^[a-z]{{2}}$'),
    add constraint ck_{table}_adjourned check (state <> 'ADJOURNED' or next_on is not null),
    add constraint ck_{table}_next_on check (next_on is null or (next_on > held_on and state in ('HELD', 'ADJOURNED')));
-- What is past was held, as far as anybody said.
alter table app.{table} no force row level security;
update app.{table} set state = 'HELD' where held_on < (now() at time zone 'Asia/Kolkata')::date;
alter table app.{table} force row level security;
"""

INDEX = "create index ix_hearings_organisation_id_held_on_id on app.hearings (organisation_id, held_on, id)"

STEPS = """
alter table app.transitions drop constraint ck_transitions_noun;
alter table app.transitions add constraint ck_transitions_noun check (noun in ('referral', 'hearing', 'referral_hearing'));
alter table app.transitions drop constraint ck_transitions_guard;
alter table app.transitions add constraint ck_transitions_guard
    check (guard in ('CONSENT', 'TERMS', 'VIDEO', 'LINK', 'SUPPORT', 'ROOM'));
"""

# It runs as the caller, and asks what she may see. Whoever row security does not bind repairs and restores: she is not asked.
FUNCTION = """
create function app.take_hearing_step() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    needed text;
    is_a_child boolean;
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
    if needed in ('VIDEO', 'LINK', 'SUPPORT') and new.mode <> 'VIDEO' or needed = 'ROOM' and new.mode <> 'PHYSICAL' then
        raise check_violation using message = 'that is no step of this mode', constraint = 'transition';
    end if;
    if needed in ('LINK', 'SUPPORT') and (new.court_point is null or new.remote_point is null) then
        raise check_violation using message = 'a video link has two ends', constraint = 'transition';
    end if;
    if needed = 'SUPPORT' and not new.has_coordinator then
        raise check_violation using message = 'nobody coordinates the remote point', constraint = 'transition';
    end if;
    if needed in ('SUPPORT', 'ROOM') and new.support_person is null then
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

revoke all on function app.take_hearing_step() from public;

create trigger take_step before insert or update on app.hearings
for each row execute function app.take_hearing_step('hearing');

create trigger take_step before insert or update on app.referral_hearings
for each row execute function app.take_hearing_step('referral_hearing');
"""


def upgrade() -> None:
    """Add the columns and the trigger. The wall says who may do what, and fills the table of steps."""
    op.execute("set local role pat_owner")
    connection = op.get_bind()
    for table in ("hearings", "referral_hearings"):
        connection.exec_driver_sql(COLUMNS.format(table=table))
        for column, codes in _CODES.items():
            listed = ", ".join(f"'{code}'" for code in codes.split())
            connection.exec_driver_sql(
                f"alter table app.{table} add constraint ck_{table}_{column} check ({column} in ({listed}))"
            )
    connection.exec_driver_sql(INDEX)
    connection.exec_driver_sql(STEPS)
    connection.exec_driver_sql(FUNCTION)
    op.execute("reset role")

"""Why a referral was declined, which its sender reads too; why it was suspended, revoked or closed, which only its sender reads."""

from alembic import op

revision = "2026_11_22_55"
down_revision = "2026_11_22_50"
branch_labels = None
depends_on = None

# Nobody is woken by it: where the wall is an older release's, whoever wakes may not yet write.
ANSWERS = """
alter table app.referral_answers
    add column reason text,
    add constraint ck_referral_answers_reason
        check (reason in ('NO_CAPACITY', 'OUTSIDE_AREA', 'NOT_OUR_SERVICE', 'SAFETY', 'ALREADY_KNOWN', 'OTHER_REASON'));
alter table app.referral_answers no force row level security;
alter table app.referral_answers disable trigger note;
update app.referral_answers set reason = 'OTHER_REASON' where answer = 'DECLINED';
alter table app.referral_answers enable trigger note;
alter table app.referral_answers force row level security;
alter table app.referral_answers
    add constraint ck_referral_answers_declined check ((answer = 'DECLINED') = (reason is not null));

alter table app.referrals
    add column reason text,
    add constraint ck_referrals_reason check (reason in ('SAFETY', 'WORK_DONE', 'NO_ANSWER', 'PARTNER', 'MISTAKE'));
"""

# Whoever row security does not bind repairs and restores: she is not asked.
FUNCTION = """
create or replace function app.take_answer() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    seen text;
begin
    -- The release before names no reason.
    if new.answer = 'DECLINED' and new.reason is null then new.reason := 'OTHER_REASON'; end if;
    if not row_security_active('app.referral_answers'::regclass) then return new; end if;
    new.answered_at := clock_timestamp();
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
"""


def upgrade() -> None:
    """Add the columns; what was declined before was declined for another reason, as far as anybody knows."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(ANSWERS)
    op.get_bind().exec_driver_sql(FUNCTION)
    op.execute("reset role")

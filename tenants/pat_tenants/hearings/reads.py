"""How days in court are found: an organisation's own, those that receivers report, and all of them in one calendar."""

from pat_platform.engine.declare import Audit, Filter, Order, Row, Searched, Source
from pat_platform.engine.kinds import DATE
from pat_tenants.hearings.arrangements import ARRANGED, UPCOMING
from pat_tenants.transitions.steps import HEARING, REFERRAL_HEARING

HEARINGS = Source("app.hearings")
HEARING_ROW = Row(HEARINGS)
OF_PROCEEDING = "{n}.proceeding_id = {t}.id"
BY_DAY = (Order("held_on"), Order("id"))

_DAY = "held_on, mode, purpose, state"
_PREPARED = (*ARRANGED, "outcome", "next_on")


def _of(alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in (*_DAY.split(", "), *_PREPARED))


# How a day was prepared is what was shared: its receiver keeps that there was one, and what became of it.
_OWN_WORDS = (
    "select h.id, h.referral_id, h.held_on, h.mode, h.purpose, h.state, "
    + ", ".join(f"case when d.id is not null then h.{column} end as {column}" for column in _PREPARED)
    + " from app.referral_hearings h left join door.received_referrals d on d.id = h.referral_id"
    " and 'HEARING_SCHEDULE' = any(d.scopes)"
)

CONFIRMATIONS = Source("app.hearing_confirmations", key=("hearing_id",))
RECEIVED_CONFIRMATIONS = Source("door.received_confirmations", key=("hearing_id",))
CONFIRMATION = "{n}.hearing_id = {t}.id"
RECEIVED_CONFIRMATION = "{n}.hearing_id = {t}.id and {n}.referral_id = {t}.referral_id"

SENT = Source("door.sent_hearings")
RECEIVED = Source(f"({_OWN_WORDS})")
SENT_ROW = Row(SENT)
RECEIVED_ROW = Row(RECEIVED)
SHARED = Source("door.received_hearings")

# Whose row it is: that of the caller's organisation, or of the one on the other side of a referral.
CALENDAR = Source(
    f"(select h.id, 'OWN' as side, h.case_id, h.survivor_id, null::uuid as referral_id, h.id as hearing_id,"
    f" null::uuid as reported_id, {_of('h')} from app.hearings h union all"
    f" select h.id, 'PARTNER' as side, r.case_id, r.survivor_id, r.id as referral_id, null::uuid as hearing_id,"
    f" h.id as reported_id, {_of('h')} from door.sent_hearings h join app.referrals r on r.received_id = h.referral_id)"
)
RECEIVED_CALENDAR = Source(
    f"(select h.id, 'PARTNER' as side, null::uuid as case_id, null::uuid as survivor_id, h.referral_id,"
    f" null::uuid as hearing_id, null::uuid as reported_id, {_of('h')} from door.received_hearings h union all"
    f" select h.id, 'OWN' as side, null::uuid as case_id, null::uuid as survivor_id, h.referral_id,"
    f" null::uuid as hearing_id, h.id as reported_id, {_of('h')} from ({_OWN_WORDS}) h)"
)
ORDERS = {
    "HELD_ON_ASC": (Order("held_on", DATE),),
    "HELD_ON_DESC": (Order("held_on", DATE, desc=True),),
}
WITHIN = {
    "from": Filter("{t}.held_on >= {value}", "date"),
    "to": Filter("{t}.held_on <= {value}", "date"),
}

# What it is today is the day in India, where all partners work.
_COMING = ", ".join(f"'{state}'" for state in sorted(UPCOMING))
MY_NEXT = (
    "{n}.survivor_id = (select sec.survivor()) and {n}.held_on >= (now() at time zone 'Asia/Kolkata')::date"
    f" and {{n}}.state in ({_COMING})"
)

CASE = "{n}.id = {t}.case_id"
REFERRAL = "{n}.id = {t}.referral_id"
HEARING_OF = "{n}.id = {t}.hearing_id"
REPORTED_OF = "{n}.id = {t}.reported_id"
SCHEDULE_READ = Audit("hearing_schedule", "{t}.referral_id")
# A calendar tells of everybody whose days may be in it that she has no other ones.
CALENDAR_READ = Searched(
    "hearing_schedule",
    "select d.id from door.received_referrals d where 'HEARING_SCHEDULE' = any(d.scopes)",
)


def _allowed(noun: str, besides: str = "") -> str:
    # The login says as what she acts: the steps of others are not hers to be told.
    return (
        "array(select step.to_state from app.transitions step"
        f" where step.noun = '{noun}' and step.from_state = {{t}}.state"
        f" and substr(session_user::text, 38) = any (step.roles){besides} order by step.to_state)"
    )


ALLOWED = _allowed(HEARING)
NONE_ALLOWED = _allowed(REFERRAL_HEARING)
# Of what is not shared any more no step is hers; what the other side has to do first is none of hers yet.
REPORTED_ALLOWED = _allowed(
    REFERRAL_HEARING,
    " and exists (select from door.received_referrals d where d.id = {t}.referral_id and 'HEARING_SCHEDULE' = any(d.scopes))"
    " and (step.guard is null or step.guard not in ('LINK_CONFIRMED', 'SUPPORT_CONFIRMED')"
    " or exists (select from door.received_confirmations c where c.hearing_id = {t}.id and c.referral_id = {t}.referral_id))",
)

"""The steps of a referral, of both sides: each reads its own rows, and the other's through the door."""

from pat_platform.engine.declare import Order, Source

SENT = Source(
    "(select s.id, s.organisation_id as keeper_id, s.referral_id, s.state as status, s.taken_at, 'SENDER' as side, s.actor"
    " from app.referral_steps s union all"
    " select a.id, r.organisation_id, r.id, a.answer, a.answered_at, 'RECEIVER', null"
    " from door.sent_answers a join app.referrals r on r.received_id = a.referral_id)"
)
RECEIVED = Source(
    "(select s.id, s.keeper_id, s.referral_id, s.state as status, s.taken_at, 'SENDER' as side, null::uuid as actor"
    " from door.received_steps s union all"
    " select a.id, a.referral_organisation_id, a.referral_id, a.answer, a.answered_at, 'RECEIVER', a.created_by"
    " from app.referral_answers a)"
)
OF_REFERRAL = "{n}.keeper_id = {t}.keeper_id and {n}.referral_id = {t}.id"
IN_ORDER = (Order("taken_at"), Order("id"))
ACTOR = "{n}.person_id = {t}.actor"

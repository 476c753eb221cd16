"""How legal bases are found, which of them hold, and which wait for somebody to look at them."""

from pat_platform.engine.declare import Audit, Filter, Order, Row, Source
from pat_platform.engine.kinds import DATETIME

_RUNS = "b.ended_at is null and b.valid_until > statement_timestamp()"

BASES = Source(
    "(select b.organisation_id, b.id, b.survivor_id, b.recipient_id, b.purpose, b.kind, b.scopes, b.reference, b.valid_until,"
    " b.created_by, b.created_at, b.approved_by, b.approved_at, b.ended_by, b.ended_at, b.reviewed_by, b.reviewed_at, b.review,"
    f" o.name as recipient, {_RUNS} and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null) as is_live,"
    f" b.approved_at is not null and b.reviewed_at is null and not ({_RUNS}) as is_review_due"
    " from app.legal_bases b left join app.organisations o on o.id = b.recipient_id)"
)
BASIS = Row(BASES)
NEWEST_FIRST = (Order("created_at", DATETIME, desc=True),)
BY_TIME = {"NEWEST": NEWEST_FIRST}
FILTERS = {
    "isLive": Filter("{t}.is_live = {value}", "bool"),
    "isReviewDue": Filter("{t}.is_review_due = {value}", "bool"),
}
MINE = "{n}.survivor_id = (select sec.survivor())"
OF_REFERRAL = "{n}.id = {t}.basis_id"
BESIDE_CONSENT = "{n}.survivor_id = {t}.survivor_id and {n}.recipient_id = {t}.recipient_id and {n}.is_live"

# The row is there whether or not a reason was written: what is withheld never tells which.
REASONS = Source(
    "(select b.id as basis_id, b.survivor_id, k.wrapped, w.reason from app.legal_bases b"
    " left join app.survivor_keys k on k.survivor_id = b.survivor_id"
    " left join app.legal_basis_reasons w on w.basis_id = b.id)",
    key=("basis_id",),
)
REASON = "{n}.basis_id = {t}.id"
REASON_READ = Audit("note", "{t}.survivor_id")
IS_ASSIGNED = (
    "{t}.survivor_id in (select a.survivor_id from app.case_assignments a"
    " where a.membership_id = (select sec.membership()) and a.ended_at is null)"
)

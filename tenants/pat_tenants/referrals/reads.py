"""How referrals are found: by the sender in its own table, by the receiver through the door."""

from pat_platform.engine.declare import Audit, Filter, Order, Row, Source
from pat_platform.engine.kinds import DATETIME, TEXT
from pat_tenants.isolation.reach import HELD

_SHARED = "x.need, x.urgency, x.sent_at, x.scopes"

SENT = Source(
    f"(select x.id, x.received_id, x.case_id, {_SHARED}, x.consent_id, x.basis_id, s.agreed_until, s.status, s.ground,"
    " x.state as own_state, x.reason as own_reason,"
    " 'SENT' as direction, x.organisation_id as keeper_id, o.name as partner, o.state as partner_state"
    " from app.referrals x join door.referral_states s on s.id = x.id"
    " left join app.organisations o on o.id = x.to_organisation_id)"
)
RECEIVED = Source(
    f"(select x.id, x.id as received_id, {_SHARED}, null::uuid as consent_id, null::uuid as basis_id, x.agreed_until, x.status, x.ground,"
    " 'RECEIVED' as direction, x.from_organisation_id as keeper_id, x.from_organisation_name as partner, x.from_state as partner_state"
    " from door.received_referrals x)"
)
SENT_ROW = Row(SENT)
RECEIVED_ROW = Row(RECEIVED)
THIS_REFERRAL = "{n}.id = {id:Referral:id}"

# A draft was not sent yet: it has no moment, and comes first.
ORDERS = {
    "SENT_AT_DESC": (Order("sent_at", DATETIME, desc=True, nullable=True),),
    "OLDEST_WAITING": (Order("sent_at", DATETIME, nullable=True),),
}
FILTERS = {
    "status": Filter("{t}.status = any({value})", "text[]"),
    "urgency": Filter("{t}.urgency = {value}"),
    "partnerState": Filter("{t}.partner_state = {value}"),
}
ARGUMENTS = {"direction": Filter("{t}.direction = {value}")}

# What both sides can say on the telephone: made of the id that both know, of which it tells nothing.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER = (
    f"(select 'R-' || string_agg(case d.place when 4 then '-' else '' end || substr('{_DIGITS}', (get_byte(h.bytes, d.place) & 31) + 1,"
    " 1), '' order by d.place) from (select sha256(uuid_send({t}.received_id)) as bytes) h, generate_series(0, 7) d(place))"
)
_TODAY = "(statement_timestamp() at time zone 'Asia/Kolkata')::date"
AGE = f"({_TODAY} - ({{t}}.sent_at at time zone 'Asia/Kolkata')::date)"

_DECLINED = "a.referral_id = {t}.received_id and a.answer = 'DECLINED'"
# Why something ended is hidden from herself while somebody looks on. What follows from what she did is stored nowhere.
SENT_REASON = (
    f"case when {HELD} then null"
    f" when {{t}}.status = 'DECLINED' then (select a.reason from door.sent_answers a where {_DECLINED})"
    " when {t}.status = {t}.own_state and {t}.own_state in ('SUSPENDED', 'REVOKED', 'CLOSED') then {t}.own_reason"
    " when {t}.status = 'REVOKED' and {t}.consent_id is not null then 'CONSENT_WITHDRAWN' end"
)
RECEIVED_REASON = (
    f"case {{t}}.status when 'DECLINED' then (select a.reason from app.referral_answers a where {_DECLINED}"
    " and a.referral_organisation_id = {t}.keeper_id) end"
)

OF_CASE = "{n}.case_id = {t}.id"
BY_SENDING = (Order("sent_at", desc=True), Order("id"))

# The login says as what she acts: the steps of others are not hers to be told.
_STEPS = (
    "array(select step.to_state from app.transitions step where step.noun = 'referral' and step.from_state = {{t}}.status"
    " and substr(session_user::text, 38) = any (step.roles){besides} order by step.to_state)"
)
RECEIVED_ALLOWED = _STEPS.format(besides="")
# What reads as suspended or revoked need not be so by the sender's own word; what it has said itself is no step any more.
SENT_ALLOWED = _STEPS.format(besides=" and step.to_state <> {t}.own_state and {t}.own_state <> 'REVOKED'")

HEARINGS = "{n}.referral_id = {t}.received_id"

# What a receiver reads of the case: one row while the referral is open to it. Its keeper leads to it faster.
SHARED_CASES = Source("door.received_cases", key=("referral_id",))
SHARED = "{n}.keeper_id = {t}.keeper_id and {n}.referral_id = {t}.received_id"
PROCEEDINGS = Source("door.received_proceedings")
IDENTITIES = Source("door.received_identities", key=("referral_id",))
CONTACTS = Source("door.received_contacts", key=("referral_id",))
OF_SHARED = "{n}.keeper_id = {t}.keeper_id and {n}.referral_id = {t}.referral_id"
BY_COURT = (Order("jurisdiction"), Order("state"), Order("id"))


def is_shared(scope: str) -> str:
    """Whether a shared case shares this."""
    return f"'{scope}' = any({{t}}.scopes)"


def kept(column: str) -> str:
    """What the finishing step ``unseal_kept`` needs to open one sealed column of another organisation's survivor."""
    place = f"""'["' || {{t}}.keeper_id || '","survivor_identities","{column}","' || {{t}}.survivor_id"""
    return f"""{place} || '",null,"' || encode({{t}}.wrapped, 'hex') || '","' || encode({{t}}.{column}, 'hex') || '"]'"""


LEGAL_STATUS_READ = Audit("legal_status", "{t}.referral_id")
IDENTITY_READ = Audit("identity", "{t}.referral_id")
RISK_READ = Audit("risk", "{t}.referral_id")

OF_CHANGE = "{n}.id = {t}.id"
# Asked as each event is read: what was open when somebody looked may be shut by now.
IS_CLOSED = "not exists (select from door.received_referrals d where d.id = {t}.id and d.status in ('ACCEPTED', 'IN_PROGRESS'))"
RECEIVED_COUNT = "(select count(*) from door.received_referrals)"
RECEIVED_STATES = Source(
    "(select x.status, count(*) from door.received_referrals x group by x.status)", ("status",), TEXT
)
NO_STATES = Source("(select null::text as status, 0 as count where false)", ("status",), TEXT)
BY_STATE = (Order("status"),)

"""What a referral comes to, in SQL: its state as both sides see it, from its sender, the answers, what it stands on and the agreement.

Every door that shows a state is made of this, so that all of them say the same at the same moment.
"""

from __future__ import annotations

MOMENT = "(select sec.moment())"
"""When a statement asks: a message of the client's may hold many, and wait between them."""

SENT = "state not in ('DRAFT', 'CONSENT_RECORDED')"

# A referral is open to its receiver while the sender keeps it sent, a consent or another basis stands behind it, the agreement of the
# two is live, and the receiver has taken it on and has not ended it. All of it is asked at the moment of reading: no job has to run for
# a door to close.
STATUS = f"""
case
    when r.state <> 'SENT' then r.state
    when a.answer in ('DECLINED', 'COMPLETED') then a.answer
    when w.consent_id is not null or b.ended_at is not null then 'REVOKED'
    when g.status = 'SUSPENDED' then 'SUSPENDED'
    when g.status is distinct from 'LIVE' or coalesce(c.id, b.id) is null then 'EXPIRED'
    when least(r.agreed_until, c.valid_until, b.valid_until) <= {MOMENT} then 'EXPIRED'
    else coalesce(a.answer, 'SENT')
end"""
"""Over a referral ``r``, its consent ``c`` and withdrawal ``w`` or other basis ``b``, agreement ``g`` and answer ``a``."""

OPEN = f"""r.state = 'SENT' and a.answer in ('ACCEPTED', 'IN_PROGRESS') and w.consent_id is null and b.ended_at is null
    and g.status = 'LIVE' and least(r.agreed_until, c.valid_until, b.valid_until) > {MOMENT}"""
"""That the state, over the same, is one in which the receiver sees of the case: said as what must hold, so that each of it counts.

Beside this something must be shared, which nothing is without a consent or another basis; or it must be asked for, ``GROUND``.
"""

GROUND = "coalesce(c.id, b.id) is not null"


# A partner that the secretariat has suspended is nobody's, whatever was signed. Asked once for each statement.
_SHUT = "array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null)"
_SIGNED = {
    "valid_from": "greatest(o.valid_from, t.valid_from)",
    "valid_until": "least(o.valid_until, t.valid_until)",
    "scopes": (
        "array(select u.scope from unnest(o.scopes) with ordinality u(scope, place)"
        " where u.scope = any(t.scopes) order by u.place)"
    ),
    "status": f"""case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && {_SHUT} then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= {MOMENT} then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > {MOMENT} then 'UPCOMING'
        else 'LIVE'
    end""",
}


def signed(*columns: str) -> str:
    """What holds between two organisations is what both have signed: of that these columns, all where none is named."""
    named = "".join(f", {sql} as {name}" for name, sql in _SIGNED.items() if not columns or name in columns)
    return f"""
select o.organisation_id, o.partner_id{named}
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id"""


def terms(*agreed: str) -> str:
    """Joins what a referral ``r`` stands on: of what both organisations have signed, ``g``, the columns that are named.

    A vital interest that nobody has approved is no basis. What is not a consent's withdrawal does not touch the other bases.
    """
    return f"""
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join ({signed(*agreed)}) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id"""


OF_ITS_RECEIVER = (
    "{answer}.referral_organisation_id = r.organisation_id and {answer}.referral_id = r.received_id"
    " and {answer}.organisation_id = r.to_organisation_id"
)

# What ends a referral goes before what opens it, whenever it was said: a date that the receiver wrote must not decide.
ANSWER = f"""
left join lateral (
    select w.answer from app.referral_answers w where {OF_ITS_RECEIVER.format(answer="w")}
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true"""

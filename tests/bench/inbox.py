"""What the inbox is measured with: two hundred referrals to each organisation of a destination state, all of them open.

The demo has thirty-one in all. These are rows of their owner beside it: real cases of the communities, each with a consent and with
the receiver's answer, so that every one of them passes all that the door asks.
"""

from __future__ import annotations

import psycopg

from pat_server.demo.organisations import COMMUNITIES, DESTINATIONS
from pat_server.demo.owner import as_owner

IN_EACH = 200
MARK = "bench inbox"
"""What the evidence of their consents is called: they are written once."""
TABLES = (
    "organisations",
    "agreements",
    "cases",
    "consents",
    "consent_withdrawals",
    "referrals",
    "referral_answers",
)

# Every third shares who she is; some share nothing of her proceedings; every second was taken up after it was accepted.
_FILL = """
with turns as (
    select a.partner_id as receiver, k.organisation_id, k.id as case_id, k.survivor_id, k.created_by,
        row_number() over (partition by a.partner_id order by md5(k.id::text || a.partner_id::text)) as turn
    from app.agreements a
    join app.agreements b on b.organisation_id = a.partner_id and b.partner_id = a.organisation_id
    join app.cases k on k.organisation_id = a.organisation_id
    where a.organisation_id = any(%(senders)s) and a.partner_id = any(%(receivers)s)
        and a.suspended_at is null and b.suspended_at is null),
chosen as materialized (
    select t.*, gen_random_uuid() as consent_id, gen_random_uuid() as referral_id, gen_random_uuid() as received_id,
        case when mod(t.turn, 3) = 0 then array['LEGAL_STATUS', 'HEARING_SCHEDULE', 'IDENTITY_MINIMAL']
            when mod(t.turn, 5) = 0 then array['HEARING_SCHEDULE']
            else array['LEGAL_STATUS', 'HEARING_SCHEDULE'] end as scopes
    from turns t where t.turn <= %(number)s),
agreed as (
    insert into app.consents (organisation_id, id, survivor_id, recipient_id, purpose, scopes, giver, mode, notice_version,
        notice_language, agreed, evidence, given_at, valid_until, created_by)
    select organisation_id, consent_id, survivor_id, receiver, 'COURT_FOLLOW_UP', scopes, 'SELF', 'THUMBPRINT', '2026-11',
        'bn', array['PURPOSE', 'USE', 'ACCESS_REQUEST', 'STORAGE_PERIOD', 'WITHDRAWAL', 'GIVEN_FREELY'], %(mark)s,
        now() - interval '2 days', now() + interval '170 days', created_by
    from chosen),
sent as (
    insert into app.referrals (organisation_id, id, received_id, case_id, survivor_id, to_organisation_id, need, urgency,
        scopes, state, consent_id, agreed_until, sent_at, created_by)
    select organisation_id, referral_id, received_id, case_id, survivor_id, receiver, 'COURT_FOLLOW_UP',
        (array['ROUTINE', 'SOON', 'URGENT'])[1 + mod(turn, 3)], scopes, 'SENT', consent_id, now() + interval '160 days',
        now() - turn * interval '7 minutes', created_by
    from chosen)
insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, created_by)
select c.receiver, gen_random_uuid(), c.organisation_id, c.received_id, a.answer, c.created_by
from chosen c cross join (values ('ACCEPTED', 1), ('IN_PROGRESS', 2)) a (answer, step)
where a.step = 1 or mod(c.turn, 2) = 0"""


def fill(admin_url: str) -> None:
    """Write them, unless they are there."""
    with as_owner(admin_url, *(f"app.{table}" for table in TABLES)) as connection:
        found = connection.execute("select from app.consents where evidence = %s limit 1", (MARK,)).fetchone()
        if found is not None:
            return
        given = {
            "senders": [each.id for each in COMMUNITIES],
            "receivers": [each.id for each in DESTINATIONS],
            "number": IN_EACH,
            "mark": MARK,
        }
        connection.execute(_FILL, given)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("analyze")

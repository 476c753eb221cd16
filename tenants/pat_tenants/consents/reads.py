"""How consents are found, and which still hold."""

from pat_platform.engine.declare import Filter, Order, Row, Source
from pat_platform.engine.kinds import DATETIME

CONSENTS = Source(
    "(select c.organisation_id, c.id, c.survivor_id, c.recipient_id, c.purpose, c.scopes, c.giver, c.mode, c.notice_version,"
    " c.notice_language, c.agreed, c.evidence, c.given_at, c.valid_until, w.created_at as withdrawn_at, o.name as recipient,"
    " w.consent_id is null and c.valid_until > statement_timestamp() as is_live"
    " from app.consents c left join app.consent_withdrawals w on w.consent_id = c.id"
    " left join app.organisations o on o.id = c.recipient_id)"
)
CONSENT = Row(CONSENTS)
NEWEST_FIRST = (Order("given_at", DATETIME, desc=True),)
BY_TIME = {"NEWEST": NEWEST_FIRST}
OF_SURVIVOR = "{n}.survivor_id = {t}.id"
MINE = "{n}.survivor_id = (select sec.survivor())"
OF_REFERRAL = "{n}.id = {t}.consent_id"
BESIDE = "{n}.survivor_id = {t}.survivor_id and {n}.recipient_id = {t}.recipient_id and {n}.id <> {t}.id and {n}.is_live"
LIVE = {"isLive": Filter("{t}.is_live = {value}", "bool")}

IS_GUARDIAN_BARRED = "exists (select from app.barred_guardians b where b.survivor_id = {t}.id)"

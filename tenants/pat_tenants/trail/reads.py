"""How events are found: each reader through a view of her own."""

from pat_platform.engine.declare import Filter, Order, Source
from pat_platform.engine.kinds import BIGINT, DATETIME

ORGANISATIONS = Source("door.organisation_events")
OWN = Source("door.own_events")
# Neither who acted, nor whom it was about.
NETWORKS = Source(
    "(select e.id, e.organisation_id, e.at, e.role, null::uuid as actor, e.action, e.classes, '{}'::uuid[] as subjects,"
    " null::text as detail from door.network_events e)"
)
PARTNERS = Source("door.partner_events")
ACCESS_LOG = Source(
    "(select l.id, l.organisation_id, l.at, l.role, l.actor, l.action, l.classes, l.referral_id, o.name as organisation,"
    " case split_part(l.action, '.', 1) when 'record' then 'READ' when 'referral' then 'REFERRED' else 'WRITTEN' end as kind"
    " from door.access_log l join app.organisations o on o.id = l.organisation_id)"
)

# A chain is in order of its numbers, which are indexed.
BY_NUMBER = {"NEWEST": (Order("number", BIGINT, desc=True),)}
BY_TIME = {"NEWEST": (Order("at", DATETIME, desc=True),)}

FILTERS = {
    "action": Filter("{t}.action = {value}"),
    "from": Filter("{t}.at >= {value}", "timestamptz"),
    "to": Filter("{t}.at < {value}", "timestamptz"),
}

# A global id is of one type: the others are null.
_SUBJECT = "coalesce({id:Case:subject}::uuid, {id:Survivor:subject}::uuid, {id:Referral:subject}::uuid)"
_BY = (
    "(({arg:actor})::text is null or ({n}.actor, {n}.role) in"
    " (select m.person_id, m.role from app.memberships m where m.id = {id:Member:actor}::uuid))"
)
MATCHING = (
    "(({arg:subject})::text is null or {n}.number = any"
    f" (array(select trail.numbers_about({_SUBJECT})))) and {_BY}"
)
MATCHING_OWN = f"(({{arg:subject}})::text is null or {{n}}.subjects @> array[{_SUBJECT}]) and {_BY}"
# Whom they were about is not known there, nor who it was.
MATCHING_ANY = "({arg:subject})::text is null and ({arg:actor})::text is null"

# The first of them: a read of a whole list has as many as the list.
SUBJECTS = "{n}.id = any ({t}.subjects[1:50])"
SUBJECT_COUNT = "cardinality({t}.subjects)"

SURVIVORS_IN_ORDER = (Order("code"), Order("id"))

ACTOR = "{n}.person_id = {t}.actor and {n}.role = {t}.role"
NEWEST_MEMBERSHIP = (Order("started_at", desc=True), Order("id"))
ALL = "true"
OF_ORGANISATION = "{n}.id = {t}.organisation_id"
REFERRAL = "{n}.id = {t}.referral_id"

# A referral says on what it stands now, and not on what it stood when somebody read. What she was not asked about is not said to be
# agreed to by her: of the two that which alone ran at that moment is said, and neither where both did.
_OF_THE_SAME = (
    "g.survivor_id = r.survivor_id and g.recipient_id = r.to_organisation_id and g.purpose = r.need"
    " where r.id = {t}.referral_id"
)
_AGREED = (
    "exists (select from app.referrals r join app.consents g left join app.consent_withdrawals w on w.consent_id = g.id"
    f" on {_OF_THE_SAME} and g.given_at <= {{t}}.at and least(g.valid_until, w.created_at) > {{t}}.at)"
)
_UNASKED = (
    f"exists (select from app.referrals r join app.legal_bases g on {_OF_THE_SAME}"
    " and g.created_at <= {t}.at and least(g.valid_until, g.ended_at) > {t}.at)"
)
SENTENCE = (
    "json_build_array(({arg:language})::text, {t}.organisation, {t}.role, {t}.kind, {t}.action, to_json({t}.classes),"
    f" {_AGREED}, {_UNASKED})::text"
)
"""What the finishing step ``worded`` needs to say an access in words."""

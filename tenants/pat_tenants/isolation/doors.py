"""The doors across the fence. Each view is owned by a role of its own, with column grants and policies of its own.

Nobody has a right on another organisation's tables. A view reads its tables as its owner, while ``session_user`` in a policy stays
the caller: the owner's policies let through what is the caller's to see, row by row, at the moment of reading.
"""

from __future__ import annotations

from collections.abc import Mapping

from pat_auth.policy import Reach
from pat_tenants.hearings.arrangements import ARRANGED
from pat_tenants.isolation.door import Door, Opening, View
from pat_tenants.isolation.network_doors import NETWORK_REFERRALS
from pat_tenants.isolation.reach import HELD, ORGANISATION
from pat_tenants.isolation.terms import ANSWER, GROUND, OF_ITS_RECEIVER, OPEN, SENT, STATUS, signed, terms
from pat_tenants.isolation.trail_doors import TRAIL_DOORS

# Each of the three narrows what the others allow.
_SCOPES = (
    "array(select u.scope from unnest(r.scopes) with ordinality u(scope, place)"
    " where u.scope = any(coalesce(c.scopes, b.scopes)) and u.scope = any(g.scopes) order by u.place)"
)
_UNTIL = "least(r.agreed_until, c.valid_until, b.valid_until, g.valid_until)"

_WITH_US = f"""
select p.id as partner_id, p.name as partner_name, p.state as partner_state,
    case when o.partner_id is null then 'AWAITING_US' when t.partner_id is null then 'AWAITING_PARTNER' else g.status end as status,
    coalesce(g.scopes, '{{}}'::text[]) as scopes, coalesce(o.scopes, '{{}}'::text[]) as our_scopes,
    coalesce(t.scopes, '{{}}'::text[]) as their_scopes,
    coalesce(g.valid_from, o.valid_from, t.valid_from) as valid_from,
    coalesce(g.valid_until, o.valid_until, t.valid_until) as valid_until,
    o.suspended_at as suspended_by_us_at, t.suspended_at as suspended_by_them_at
from (
    select m.partner_id as id from app.agreements m where m.organisation_id = {ORGANISATION}
    union select m.organisation_id from app.agreements m where m.partner_id = {ORGANISATION}
) x
join app.organisations p on p.id = x.id
left join app.agreements o on o.organisation_id = {ORGANISATION} and o.partner_id = x.id
left join app.agreements t on t.organisation_id = x.id and t.partner_id = {ORGANISATION}
left join door.all_agreements g on g.organisation_id = {ORGANISATION} and g.partner_id = x.id"""

# The function runs as the caller, also inside a view that runs as its owner: the sender's people look through the door at the
# referrals that they see in their own table, and at no other.
_SENT_BY_ME = f"r.organisation_id = {ORGANISATION} and r.received_id = any (array(select app.my_referrals()))"

_TERMS = {
    "status": STATUS,
    "scopes": _SCOPES,
    "agreed_until": f"case when {GROUND} then {_UNTIL} else r.agreed_until end",
    "ground": "case when c.id is not null then 'CONSENT' else b.kind end",
    "begins_at": "g.valid_from",
}
_TERMS_WHILE_OPEN = {"scopes": _SCOPES, "agreed_until": _UNTIL}


def _state(asked: str, texts: Mapping[str, str], condition: str = "") -> str:
    """The state of a referral, as ``s``, where the condition holds: those of the texts that are asked for, and no other.

    Worked out for the referrals that are asked for: a view of its own is a barrier, behind which all of them are, for each of them
    anew.
    """
    named = ", ".join(f"{sql} as {name}" for name, sql in texts.items() if f"s.{name}" in asked)
    used = (name for name in ("valid_from", "valid_until", "scopes") if f"g.{name}" in named)
    return f"cross join lateral (select {named} from (select) here {terms('status', *used)} {ANSWER}{condition}) s"


_STATE_SENT = "s.status, s.begins_at, s.agreed_until, s.ground"
_STATE_RECEIVED = f"{_STATE_SENT}, s.scopes"

# The tables are opened to the door for referred cases only; the views add what each referral shares.
_REFERRED = (
    "exists (select from app.referrals r where r.organisation_id = {table}.organisation_id and r.case_id = {table}.case_id"
    f" and r.to_organisation_id = {ORGANISATION})"
)

# Who she is, and how to reach her, is opened only where that is shared: a referral of hers must name it.
_SHARED_WITH_US = (
    "exists (select from app.referrals r where r.organisation_id = {table}.organisation_id and r.{whose}"
    f" and r.to_organisation_id = {ORGANISATION}{{and_more}})"
)
_NAMED = " and r.scopes && array['IDENTITY_MINIMAL', 'CONTACT_SAFE']"

_IS_OPEN = "s.status in ('ACCEPTED', 'IN_PROGRESS')"


def _received(columns: str, tables: str, scope: str | None = None) -> str:
    """What a receiver sees of a case while its referral is open and, where a scope is named, shares it."""
    shared = f" and '{scope}' = any(s.scopes)" if scope else ""
    is_open = OPEN if scope else f"{OPEN} and {GROUND}"
    state = _state(columns + shared, _TERMS_WHILE_OPEN, f" where {is_open}")
    return (
        f"select r.received_id as referral_id, r.organisation_id as keeper_id, {columns} from app.referrals r {tables} {state}"
        f" where r.to_organisation_id = {ORGANISATION}{shared}"
    )


_DAY = ("held_on", "mode", "purpose", "state", *ARRANGED, "outcome", "next_on")
_CONFIRMED = ("remote_point", "has_coordinator", "support_person", "updated_at")
_OF_DAY = ", ".join(f"h.{column}" for column in _DAY)

# Another name for each receiver and each referral: what two of them have cannot be laid side by side.
_ID = "encode(substring(sha256(uuid_send({row}.id) || uuid_send(r.received_id)) for 16), 'hex')::uuid as id"
_PSEUDONYM = (
    "upper(substr(encode(sha256(uuid_send(r.survivor_id) || uuid_send(r.to_organisation_id)), 'hex'), 1, 10))"
)

_OF_HER = "{alias}.organisation_id = r.organisation_id and {alias}.survivor_id = r.survivor_id"
_SURVIVOR_OF = "join app.survivors v on v.organisation_id = r.organisation_id and v.id = r.survivor_id"
_SEALED = (
    f"{_SURVIVOR_OF} left join app.survivor_keys k on {_OF_HER.format(alias='k')}"
    f" left join app.survivor_identities i on {_OF_HER.format(alias='i')}"
)
_CHILD = "coalesce(extract(year from now()) - v.birth_year <= 18, v.is_minor_at_intake)"
_AGE = "((extract(year from current_date)::int - v.birth_year) / 5 * 5)"

REFERRAL = Door(
    owner="pat_door_referral",
    openings=(
        Opening(
            "app.referrals",
            (
                "organisation_id",
                "id",
                "received_id",
                "case_id",
                "survivor_id",
                "to_organisation_id",
                "need",
                "urgency",
                "scopes",
                "state",
                "consent_id",
                "basis_id",
                "agreed_until",
                "sent_at",
                "ended_at",
            ),
            f"organisation_id = {ORGANISATION} or (to_organisation_id = {ORGANISATION} and {SENT})",
        ),
        # What came before it was sent is the sender's own.
        Opening(
            "app.referral_steps",
            ("organisation_id", "id", "referral_id", "state", "taken_at"),
            f"{SENT} and exists (select from app.referrals r where r.organisation_id = referral_steps.organisation_id"
            f" and r.id = referral_steps.referral_id and r.to_organisation_id = {ORGANISATION})",
        ),
        Opening(
            "app.referral_answers",
            (
                *("organisation_id", "id", "referral_organisation_id", "referral_id"),
                *("answer", "reason", "answered_at"),
            ),
            f"organisation_id = {ORGANISATION} or referral_organisation_id = {ORGANISATION}",
        ),
        Opening(
            "app.referral_hearings",
            (
                "organisation_id",
                "id",
                "referral_organisation_id",
                "referral_id",
                *_DAY,
            ),
            f"referral_organisation_id = {ORGANISATION}",
        ),
        Opening(
            "app.referral_updates",
            (
                *("organisation_id", "id", "referral_organisation_id", "referral_id"),
                *("kind", "happened_on", "created_at"),
            ),
            f"referral_organisation_id = {ORGANISATION}",
        ),
        Opening(
            "app.hearing_confirmations",
            ("organisation_id", "hearing_id", "referral_id", *_CONFIRMED),
            f"hearing_organisation_id = {ORGANISATION}",
        ),
        Opening(
            "app.legal_proceedings",
            ("organisation_id", "id", "case_id", "jurisdiction", "state", "stage"),
            _REFERRED.format(table="legal_proceedings"),
        ),
        Opening(
            "app.hearings",
            ("organisation_id", "id", "proceeding_id", "case_id", *_DAY),
            _REFERRED.format(table="hearings"),
        ),
        Opening(
            "app.cases",
            ("organisation_id", "id", "survivor_id", "risk_level"),
            _SHARED_WITH_US.format(table="cases", whose="case_id = cases.id", and_more=""),
        ),
        Opening(
            "app.survivors",
            ("organisation_id", "id", "gender", "birth_year", "is_minor_at_intake", "primary_language"),
            _SHARED_WITH_US.format(table="survivors", whose="survivor_id = survivors.id", and_more=""),
        ),
        Opening(
            "app.survivor_keys",
            ("organisation_id", "survivor_id", "wrapped"),
            _SHARED_WITH_US.format(
                table="survivor_keys", whose="survivor_id = survivor_keys.survivor_id", and_more=_NAMED
            ),
        ),
        Opening(
            "app.survivor_identities",
            ("organisation_id", "survivor_id", "first_name", "alias", "phone"),
            _SHARED_WITH_US.format(
                table="survivor_identities",
                whose="survivor_id = survivor_identities.survivor_id",
                and_more=_NAMED,
            ),
        ),
        Opening("app.organisations", ("id", "name", "state"), "true"),
        Opening(
            "app.agreements",
            ("organisation_id", "partner_id", "scopes", "valid_from", "valid_until", "suspended_at"),
            f"organisation_id = {ORGANISATION} or partner_id = {ORGANISATION}",
        ),
        # Why is the secretariat's alone. Of others it is told of those whom there is something signed with.
        Opening(
            "app.partner_suspensions",
            ("id", "partner_id", "created_at", "lifted_at"),
            f"partner_id = {ORGANISATION} or exists (select from app.agreements a"
            " where partner_suspensions.partner_id in (a.organisation_id, a.partner_id))",
        ),
        Opening(
            "app.consents",
            ("organisation_id", "id", "recipient_id", "scopes", "valid_until"),
            f"organisation_id = {ORGANISATION} or recipient_id = {ORGANISATION}",
        ),
        Opening(
            "app.legal_bases",
            (
                *("organisation_id", "id", "recipient_id", "kind", "scopes"),
                *("valid_until", "approved_at", "ended_at"),
            ),
            f"organisation_id = {ORGANISATION} or recipient_id = {ORGANISATION}",
        ),
        Opening(
            "app.consent_withdrawals",
            ("organisation_id", "consent_id"),
            f"organisation_id = {ORGANISATION} or exists (select from app.consents c where c.organisation_id ="
            " consent_withdrawals.organisation_id and c.id = consent_withdrawals.consent_id"
            f" and c.recipient_id = {ORGANISATION})",
        ),
    ),
    views=(
        # For the views below alone: no role may read it.
        View("door.all_agreements", signed()),
        View("door.agreements", _WITH_US, frozenset({Reach.ORGANISATION})),
        View(
            "door.our_suspensions",
            f"select s.id, s.created_at, s.lifted_at from app.partner_suspensions s where s.partner_id = {ORGANISATION}",
            frozenset({Reach.ORGANISATION}),
        ),
        View(
            "door.referral_states",
            f"select r.organisation_id, r.id, r.received_id, {_STATE_SENT}"
            f" from app.referrals r {_state(_STATE_SENT, _TERMS)} where {_SENT_BY_ME}",
        ),
        View(
            "door.sent_answers",
            # What could endanger her while somebody looks on is hidden from herself.
            "select a.id, a.referral_id, a.answer, a.reason, a.answered_at from app.referrals r"
            f" join app.referral_answers a on {OF_ITS_RECEIVER.format(answer='a')} where {_SENT_BY_ME} and not {HELD}",
        ),
        View(
            "door.sent_hearings",
            f"select h.id, h.referral_id, {_OF_DAY} from app.referrals r join app.referral_hearings h"
            f" on {OF_ITS_RECEIVER.format(answer='h')} where {_SENT_BY_ME} and not {HELD}",
        ),
        View(
            "door.sent_updates",
            "select u.id, u.referral_organisation_id, u.referral_id, u.kind, u.happened_on, u.created_at from app.referrals r"
            f" join app.referral_updates u on {OF_ITS_RECEIVER.format(answer='u')} where {_SENT_BY_ME} and not {HELD}",
        ),
        View(
            "door.received_referrals",
            # A stub until the receiver accepts, and again afterwards: who asks is part of what is shared.
            "select r.received_id as id, r.organisation_id as from_organisation_id,"
            f" case when {_IS_OPEN} then o.name end as from_organisation_name, case when {_IS_OPEN} then o.state end as from_state,"
            " s.status, r.need, r.urgency, r.sent_at, s.begins_at, s.agreed_until,"
            f" case when {_IS_OPEN} then s.scopes else '{{}}'::text[] end as scopes, case when {_IS_OPEN} then s.ground end as ground"
            f" from app.referrals r {_state(_STATE_RECEIVED, _TERMS)} join app.organisations o on o.id = r.organisation_id"
            f" where r.to_organisation_id = {ORGANISATION}",
        ),
        View(
            "door.received_steps",
            "select t.id, r.organisation_id as keeper_id, r.received_id as referral_id, t.state, t.taken_at from app.referrals r"
            " join app.referral_steps t on t.organisation_id = r.organisation_id and t.referral_id = r.id"
            f" where r.to_organisation_id = {ORGANISATION} and t.{SENT}",
        ),
        View(
            "door.received_proceedings",
            _received(
                f"{_ID.format(row='p')}, p.jurisdiction, p.state, p.stage",
                "join app.legal_proceedings p on p.organisation_id = r.organisation_id and p.case_id = r.case_id",
                "LEGAL_STATUS",
            ),
        ),
        View(
            "door.received_hearings",
            _received(
                f"{_ID.format(row='h')}, {_OF_DAY}",
                "join app.legal_proceedings p on p.organisation_id = r.organisation_id and p.case_id = r.case_id"
                " join app.hearings h on h.organisation_id = p.organisation_id and h.proceeding_id = p.id",
                "HEARING_SCHEDULE",
            ),
        ),
        View(
            "door.received_confirmations",
            _received(
                "h.hearing_id, " + ", ".join(f"h.{column}" for column in _CONFIRMED),
                "join app.hearing_confirmations h on h.organisation_id = r.organisation_id and h.referral_id = r.id",
                "HEARING_SCHEDULE",
            ),
        ),
        # Whether she may not be alone before a court: whoever prepares a day there has to know.
        View(
            "door.received_support",
            _received(f"{_CHILD} as needs_support", _SURVIVOR_OF, "HEARING_SCHEDULE"),
        ),
        View(
            "door.received_cases",
            _received(
                f"{_PSEUDONYM} as pseudonym, s.agreed_until as expires_at, s.scopes,"
                " case when 'RISK_SAFETY' = any(s.scopes) then c.risk_level end as risk_level",
                "join app.cases c on c.organisation_id = r.organisation_id and c.id = r.case_id",
            ),
        ),
        View(
            "door.received_identities",
            _received(
                "r.survivor_id, v.gender, v.primary_language,"
                f" {_AGE}::text || '-' || ({_AGE} + 4)::text as age_band, k.wrapped, i.first_name, i.alias",
                _SEALED,
                "IDENTITY_MINIMAL",
            ),
        ),
        View(
            "door.received_contacts",
            _received(
                "r.survivor_id, v.primary_language, k.wrapped, i.phone",
                _SEALED,
                "CONTACT_SAFE",
            ),
        ),
    ),
)

DOORS = (REFERRAL, NETWORK_REFERRALS, *TRAIL_DOORS)
"""All of them. A fifth kind of door is a decision of the network, not of a developer."""

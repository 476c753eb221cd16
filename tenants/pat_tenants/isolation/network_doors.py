"""The secretariat's door: which referrals there are in the network, and what nobody may know of them behind it.

A row says from where to where, in which month, and how it stands. Whom it is about, her case, what is asked for and what is shared
are columns that the door's owner has no right on.
"""

from __future__ import annotations

from pat_auth.policy import POLICY, Permission, Reach
from pat_tenants.isolation.door import Door, Opening, View
from pat_tenants.isolation.reach import ORGANISATION
from pat_tenants.isolation.terms import ANSWER, SENT, STATUS, terms

_ROLES = ", ".join(f"'{role}'" for role in POLICY[Permission.NETWORK_READ])

# Also in a view that forgets it, nobody else sees a row.
_LOOKS_ON = f"(select substr(session_user::text, 38)) = any (array[{_ROLES}])"

# Its sender knows the one id and its receiver the other: neither finds its own referral by this name, and no two readers share it.
_ID = (
    "encode(substring(sha256(uuid_send(r.organisation_id) || uuid_send(r.id) || uuid_send(r.received_id)"
    f" || uuid_send({ORGANISATION})) for 16), 'hex')::uuid as id"
)

# In India, where all partners work. A day would tell the one referral of that day from the others.
_MONTH = "date_trunc('month', r.sent_at at time zone 'Asia/Kolkata')::date as month"

NETWORK_REFERRALS = Door(
    owner="pat_door_network_referrals",
    openings=(
        Opening(
            "app.referrals",
            (
                *("organisation_id", "id", "received_id", "to_organisation_id"),
                *("state", "consent_id", "basis_id", "agreed_until", "sent_at"),
            ),
            f"{_LOOKS_ON} and {SENT}",
        ),
        Opening(
            "app.referral_answers",
            ("organisation_id", "referral_organisation_id", "referral_id", "answer"),
            _LOOKS_ON,
        ),
        Opening(
            "app.agreements",
            ("organisation_id", "partner_id", "valid_from", "valid_until", "suspended_at"),
            _LOOKS_ON,
        ),
        Opening("app.partner_suspensions", ("partner_id", "lifted_at"), _LOOKS_ON),
        Opening("app.consents", ("organisation_id", "id", "valid_until"), _LOOKS_ON),
        Opening("app.consent_withdrawals", ("organisation_id", "consent_id"), _LOOKS_ON),
        Opening(
            "app.legal_bases",
            ("organisation_id", "id", "kind", "valid_until", "approved_at", "ended_at"),
            _LOOKS_ON,
        ),
    ),
    views=(
        View(
            "door.network_referrals",
            f"select {_ID}, r.organisation_id as from_organisation_id, r.to_organisation_id, {STATUS} as status, {_MONTH}"
            f" from app.referrals r {terms('status')} {ANSWER}",
            frozenset({Reach.NETWORK}),
        ),
    ),
)

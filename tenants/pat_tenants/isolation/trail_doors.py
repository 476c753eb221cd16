"""The doors to the trail: to one's own organisation's, to all of it without whom it is about, and to what concerns one's own records.

Each organisation's chain records what its own people did. What they did with another's record is shown to that organisation, and
to the survivor, through the last of these doors; nothing else of theirs is.
"""

from __future__ import annotations

from pat_auth.policy import POLICY, Permission, Reach
from pat_platform.trail import shown_at
from pat_tenants.isolation.door import Door, Opening, View
from pat_tenants.isolation.reach import ACTOR, HELD, ORGANISATION, SURVIVOR
from pat_tenants.isolation.roles import database_role
from pat_tenants.trail.classes import RecordClass

# Who wrote an event is the login's role; what signing in writes has none.
_ROLE = "case when e.login ~ '^org_' then substr(e.login, 38) end as role"

_OF_A_SURVIVOR = "e.login ~ '^org_[0-9a-f]{32}_survivor$'"

# What an organisation writes into its own chain must not break another's reading: what is no class of ours is none.
_KNOWN = ", ".join(f"'{each}'" for each in RecordClass)
_CLASSES = (
    "array(select upper(c #>> '{}') from jsonb_path_query(e.detail::jsonb, 'lax $.classes[*]') c where upper(c #>> '{}')"
    f" = any (array[{_KNOWN}])) as classes"
)


def _id(seed: str) -> str:
    """A name of the event for this reader alone: numbers would tell how much goes on elsewhere."""
    return f"encode(substring(sha256(e.hash || uuid_send({seed})) for 16), 'hex')::uuid as id"


# In order: what is outside a view's barrier cannot tell the planner that it wants the newest few.
_OURS = f"""select {_id(ORGANISATION)}, e.organisation_id, e.number, e.at, {_ROLE},
case when not {_OF_A_SURVIVOR} then e.actor end as actor, e.action, {_CLASSES},
case when {_OF_A_SURVIVOR} then '{{}}'::uuid[] else e.subjects end as subjects, e.detail
from trail.events e"""

TRAIL = Door(
    owner="pat_door_trail",
    openings=(
        Opening(
            "trail.events",
            (
                "organisation_id",
                "number",
                "at",
                "login",
                "actor",
                "action",
                "subjects",
                "detail",
                "hash",
            ),
            f"organisation_id = {ORGANISATION}",
        ),
    ),
    views=(
        # That a survivor signs in, and what she reads, is nobody's business.
        View("door.organisation_events", f"{_OURS} order by e.number desc", frozenset({Reach.ORGANISATION})),
        View(
            "door.own_events",
            f"{_OURS} where e.actor = {ACTOR} order by e.number desc",
            frozenset({Reach.SELF}),
        ),
    ),
)
"""The caller's own organisation's chain."""

_MOMENT = shown_at("e.")

_AUDITORS = ", ".join(
    f"'{role}'" for role, reach in POLICY[Permission.AUDIT_READ].items() if reach is Reach.NETWORK
)

# Also in a view that forgets it, nobody else sees an event.
_AUDITS = f"(select substr(session_user::text, 38)) = any (array[{_AUDITORS}])"

NETWORK_TRAIL = Door(
    owner="pat_door_network_trail",
    openings=(
        Opening(
            "trail.events",
            ("organisation_id", "at", "login", "action", "detail", "hash"),
            _AUDITS,
        ),
    ),
    views=(
        View(
            "door.network_events",
            f"select {_id(ORGANISATION)}, e.organisation_id, {_MOMENT} as at, {_ROLE}, e.action, {_CLASSES} from trail.events e"
            f" order by {_MOMENT} desc, id desc",
            frozenset({Reach.NETWORK}),
        ),
    ),
)
"""All chains, for whoever audits the network: neither who acted nor whom it is about, nor when in its month."""

_ABOUT_MINE = f"subjects && (select array[{SURVIVOR}] || array(select app.my_referrals()))"

_OF_PARTNERS = """from app.referrals r join trail.events e
on e.organisation_id = r.to_organisation_id and r.received_id = any(e.subjects)"""

_ABOUT_HER = f"e.organisation_id = {ORGANISATION} and {SURVIVOR} = any(e.subjects) and not {_OF_A_SURVIVOR}"

ACCESS = Door(
    owner="pat_door_access",
    openings=(
        Opening(
            "trail.events",
            ("organisation_id", "at", "login", "actor", "action", "subjects", "detail", "hash"),
            f"not {HELD} and {_ABOUT_MINE}",
        ),
        Opening(
            "app.referrals",
            ("organisation_id", "id", "received_id", "survivor_id", "to_organisation_id"),
            f"organisation_id = {ORGANISATION}",
        ),
    ),
    views=(
        View(
            "door.partner_events",
            f"select {_id('r.id')}, e.organisation_id, e.at, {_ROLE}, e.action, {_CLASSES}, r.id as referral_id {_OF_PARTNERS}",
            frozenset({Reach.ORGANISATION}),
        ),
        View(
            "door.access_log",
            f"select {_id(ORGANISATION)}, e.organisation_id, e.at, {_ROLE}, e.actor, e.action, {_CLASSES},"
            f" null::uuid as referral_id from trail.events e where {_ABOUT_HER} union all"
            f" select {_id('r.id')}, e.organisation_id, e.at, {_ROLE}, null::uuid as actor, e.action, {_CLASSES},"
            f" r.id as referral_id {_OF_PARTNERS} where r.survivor_id = {SURVIVOR}",
            frozenset({Reach.OWN}),
        ),
    ),
)
"""What concerns one's own records: what partners did under one's referrals; for a survivor, who did what with her record."""

AUDITING = tuple(
    database_role(role)
    for role, reach in POLICY[Permission.AUDIT_READ].items()
    if reach is Reach.ORGANISATION
)
"""Who may ask which events of the organisation are about somebody."""

TRAIL_DOORS = (TRAIL, NETWORK_TRAIL, ACCESS)

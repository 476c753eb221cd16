"""Which rows of the small network each reach covers, for somebody of cbo-a: written by hand, row by row.

Everybody of cbo-a but the second social worker and the survivors is assigned to the case of ``hers``, and no longer to that of
``ours``; for the second social worker it is the other way round. Survivor 1 is whom ``hers`` is about. What is not named is covered
by no reach: above all, every row of another organisation.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from uuid import UUID

from tests.support.events import HERS as HER
from tests.support.events import happened
from tests.support.people import CBOS, Member, named
from tests.support.wall import Wall

from pat_auth.policy import Reach, Role
from pat_tenants.transitions.steps import rows

SELF, OWN, ASSIGNED = Reach.SELF, Reach.OWN, Reach.ASSIGNED
ORGANISATION, RECEIVED, NETWORK = Reach.ORGANISATION, Reach.RECEIVED, Reach.NETWORK

Key = tuple[object, ...]
Covered = Iterator[tuple[Key, set[Reach]]]

KEYS = {
    "app.survivor_keys": ("organisation_id", "survivor_id"),
    "app.survivor_identities": ("organisation_id", "survivor_id"),
    "app.case_note_texts": ("organisation_id", "note_id"),
    "app.alert_closings": ("organisation_id", "alert_id"),
    "app.group_member_identities": ("organisation_id", "member_id"),
    "app.agreements": ("organisation_id", "partner_id"),
    "app.hearing_confirmations": ("organisation_id", "hearing_id"),
    "app.consent_withdrawals": ("organisation_id", "consent_id"),
    "app.barred_guardians": ("organisation_id", "survivor_id"),
    "app.legal_basis_reasons": ("organisation_id", "basis_id"),
    "app.transitions": ("noun", "from_state", "to_state"),
    "door.agreements": ("partner_id",),
    "door.all_agreements": ("organisation_id", "partner_id"),
    "app.replays": ("organisation_id", "key"),
    "app.organisations": ("id",),
    "app.places": ("id",),
    "app.referral_changes": ("organisation_id", "referral_id"),
    "app.referral_steps": ("organisation_id", "referral_id"),
    "door.sent_answers": ("referral_id",),
    "door.received_referrals": ("from_organisation_id", "id"),
    "door.received_steps": ("referral_id",),
    "door.received_proceedings": ("referral_id",),
    "door.received_hearings": ("referral_id",),
    "door.sent_hearings": ("id",),
    "door.sent_updates": ("id",),
    **dict.fromkeys(
        (f"door.received_{name}" for name in ("confirmations", "support", "cases", "identities", "contacts")),
        ("referral_id",),
    ),
    "door.network_referrals": ("id",),
    "door.our_suspensions": ("id",),
}

OF_A_CASE = (
    "app.survivors",
    "app.survivor_keys",
    "app.survivor_identities",
    "app.cases",
    "app.case_notes",
    "app.case_note_texts",
    "app.legal_proceedings",
    "app.hearings",
    "app.barred_guardians",
    "app.legal_bases",
    "app.legal_basis_reasons",
)
RECEIVERS_OWN = tuple(f"app.referral_{rows}" for rows in ("answers", "hearings", "updates", "assignments"))
OF_AN_ADMINISTRATOR = ("app.clients", "app.client_keys", "app.invitations")
OF_THE_TRAIL = (
    *("door.organisation_events", "door.own_events", "door.network_events"),
    *("door.partner_events", "door.access_log"),
)
OF_ALERTS = ("app.alerts", "app.alert_closings")
OF_A_GROUP = ("app.self_help_groups", "app.group_members", "app.group_member_identities", "app.group_entries")
HERS, OURS = {OWN, ASSIGNED, ORGANISATION}, {ORGANISATION}


def key_columns(relation: str) -> tuple[str, ...]:
    return KEYS.get(relation, ("organisation_id", "id"))


def covered(wall: Wall, relation: str, me: Member) -> dict[Key, set[Reach]]:
    """The reaches that cover a row, for the rows of a relation that any reach covers."""
    return dict(_covered(wall, relation, me))


def _covered(wall: Wall, relation: str, me: Member) -> Covered:
    if relation in OF_A_CASE:
        yield _key(wall, relation, "hers"), HERS
        yield _key(wall, relation, "ours"), OURS
    elif relation in (*OF_A_GROUP, *OF_AN_ADMINISTRATOR):
        yield _key(wall, relation, "hers"), OURS
        yield _key(wall, relation, "ours"), OURS
    elif relation in OF_ALERTS:
        # That of ``ours`` is none: she came in as she always does.
        yield _key(wall, relation, "hers"), HERS if relation == "app.alerts" else OURS
    elif relation == "app.agreements":
        for partner in ("cbo-b", "goa", "delhi"):
            yield _key(wall, relation, partner), OURS
    elif relation == "door.agreements":
        for partner in ("cbo-b", "goa", "delhi"):
            yield (named("organisation", partner),), OURS
    elif relation == "app.consents":
        for label, reaches in (
            ("hers", HERS),
            ("once", HERS),
            ("ours", OURS),
            ("exchanged", OURS),
            ("ended", OURS),
        ):
            yield _key(wall, relation, label), reaches
    elif relation == "app.consent_withdrawals":
        yield _key(wall, relation, "hers"), HERS
        yield _key(wall, relation, "ours"), OURS
    elif relation == "app.transitions":
        for noun, before, after, *_ in rows():
            yield (noun, before, after), {SELF}
    elif relation in ("app.referrals", "app.referral_steps", "door.referral_states"):
        yield _key(wall, "app.referrals", "hers"), HERS
        yield _key(wall, "app.referrals", "ours"), OURS
        yield _key(wall, "app.referrals", "exchanged"), OURS
    elif relation == "app.referral_changes":
        # Of what cbo-b sent it is told by the name that it knows.
        for label, reaches in (("hers", HERS), ("ours", OURS), ("exchanged", OURS)):
            yield (named("organisation", "cbo-a"), _key(wall, "app.referrals", label)[1]), reaches
        received = named("cbo-b", "received", "exchanged")
        yield (named("organisation", "cbo-a"), received), {ORGANISATION, RECEIVED}
    elif relation in RECEIVERS_OWN:
        yield _key(wall, relation, "ours"), {RECEIVED}
    elif relation == "app.safety_holds":
        yield _key(wall, relation, "hers"), {ASSIGNED, ORGANISATION}
        yield _key(wall, relation, "ours"), OURS
    elif relation == "app.hearing_confirmations":
        yield _key(wall, relation, "hers"), HERS
        yield _key(wall, relation, "exchanged"), OURS
    elif relation == "app.partner_suspensions":
        yield _key(wall, relation, "hers"), OURS
        yield _key(wall, relation, "ours"), OURS
    elif relation == "door.our_suspensions":
        yield (named("secretariat", "partner_suspensions", "cbo-a"),), OURS
    elif relation in OF_THE_TRAIL:
        yield from _events(wall, relation, me)
    elif relation == "door.network_referrals":
        # Whatever was sent, by whomever: drafts are nobody else's business.
        for slug, label in product(CBOS, ("hers", "exchanged")):
            yield (_seen_by_secretariat(slug, label, me),), {NETWORK}
    elif relation.startswith("door."):
        yield from _through_doors(relation)
    else:
        yield from _people(wall, relation, me)


def _key(wall: Wall, relation: str, label: str) -> Key:
    row = wall.rows[relation]["cbo-a"][label]
    return tuple(row[name] for name in key_columns(relation))


def _seen_by_secretariat(slug: str, label: str, me: Member) -> UUID:
    """A referral's name for whoever looks at the network."""
    known = (named("organisation", slug), named(slug, "referrals", label), named(slug, "received", label))
    return UUID(bytes=sha256(b"".join(each.bytes for each in (*known, me.organisation))).digest()[:16])


def _through_doors(view: str) -> Covered:
    """Goa took on ``hers`` of cbo-a; cbo-a and cbo-b took on what they sent each other, about ``ours``."""
    match view:
        case "door.sent_answers":
            yield (named("cbo-a", "received", "hers"),), HERS
            yield (named("cbo-a", "received", "exchanged"),), OURS
        case "door.sent_hearings" | "door.sent_updates":
            table = view.replace("door.sent_", "referral_")
            yield (named("goa", table, "cbo-a/hers"),), HERS
            yield (named("cbo-b", table, "cbo-a/exchanged"),), OURS
        case "door.received_referrals":
            yield (named("organisation", "cbo-b"), named("cbo-b", "received", "exchanged")), {RECEIVED}
        case (
            "door.received_steps"
            | "door.received_proceedings"
            | "door.received_hearings"
            | "door.received_confirmations"
            | "door.received_support"
            | "door.received_cases"
            | "door.received_identities"
            | "door.received_contacts"
        ):
            yield (named("cbo-b", "received", "exchanged"),), {RECEIVED}


def _events(wall: Wall, view: str, me: Member) -> Covered:
    """Goa took on ``hers``; what is claimed of a referral that was not received, or of a record, shows nowhere."""
    of_goa = {"read what was shared", "read a list of three"}
    for event in happened(wall):
        is_ours = event.slug == "cbo-a"
        own = (event.organisation, event.id(me.organisation))
        match view:
            case "door.organisation_events" if is_ours:
                yield own, OURS
            case "door.own_events" if is_ours and event.actor == me.person:
                yield own, {SELF}
            case "door.network_events":
                yield own, {NETWORK}
            case "door.access_log" if is_ours and HER in event.subjects and "_survivor" not in event.login:
                yield own, {OWN}
        referrals: list[tuple[str, Reach | None]] = [("hers", OWN)] if event.label in of_goa else []
        if event.label == "read a list of three":
            referrals.append(("ours", None))
        if event.label == "read what was exchanged":
            referrals.append(("exchanged", None))
        for label, reach in referrals:
            key = (event.organisation, event.id(named("cbo-a", "referrals", label)))
            if view == "door.partner_events":
                yield key, OURS
            elif view == "door.access_log" and reach:
                yield key, {reach}


def _people(wall: Wall, relation: str, me: Member) -> Covered:
    ours = [member for member in wall.members if member.slug == "cbo-a"]
    match relation:
        case "app.organisations":
            for slug in ("cbo-a", "cbo-b", "goa", "delhi", "secretariat"):
                yield (
                    (named("organisation", slug),),
                    {NETWORK, ORGANISATION} if slug == "cbo-a" else {NETWORK},
                )
        case "app.places":
            yield (named("place"),), {NETWORK}
        case "app.replays":
            yield (me.organisation, named("cbo-a", "replays", f"{me.role}{me.number}")), {SELF}
        case "app.memberships":
            for member in ours:
                yield (member.organisation, member.membership), _membership(member, me)
        case "app.case_assignments":
            for member in ours:
                if member.role is not Role.SURVIVOR:
                    mine = {ASSIGNED} if member == me else set()
                    for name, label in _assigned(member):
                        about_her = {OWN} if label == "hers" else set()
                        yield (
                            (member.organisation, named("cbo-a", "case_assignments", name)),
                            {ORGANISATION} | mine | about_her,
                        )


def _assigned(member: Member) -> list[tuple[str, str]]:
    """The assignment that runs, and the one that has ended: with whom each is."""
    name, labels = f"{member.role}{member.number}", ["hers", "ours"]
    return list(zip((name, f"{name} once"), labels if member.number == 1 else labels[::-1], strict=True))


def _membership(member: Member, me: Member) -> set[Reach]:
    """Colleagues are listed, survivors never; a survivor sees those who work on her case."""
    found = {SELF} if member == me else set()
    if member.role is not Role.SURVIVOR:
        found |= {ORGANISATION} | ({OWN} if member.number == 1 else set())
    return found

"""Rows of referrals, and of what either side writes about them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.support.made import DAY, EARLIER, LATER, Labelled, author, made
from tests.support.people import Row, named
from tests.support.sharing_rows import NAMED, TO_GOA

from pat_auth.policy import Role


def referrals(slug: str, other: str) -> Labelled:
    """``hers`` is live to Goa, ``ours`` a draft for Goa, and ``exchanged`` goes to the other CBO, about ``ours``."""
    sent = {"state": "SENT", "agreed_until": LATER, "sent_at": EARLIER, "scopes": list(TO_GOA)}
    named_too = {**sent, "scopes": [*TO_GOA, *NAMED]}
    return {
        "hers": _referral(slug, "hers", "hers", "goa", consent_id=named(slug, "consents", "hers"), **sent),
        "ours": _referral(slug, "ours", "ours", "goa", state="DRAFT"),
        "exchanged": _referral(
            slug, "exchanged", "ours", other, consent_id=named(slug, "consents", "exchanged"), **named_too
        ),
    }


def _referral(slug: str, label: str, case: str, to: str, **values: Any) -> Row:
    return made(
        slug,
        "referrals",
        label,
        received_id=named(slug, "received", label),
        case_id=named(slug, "cases", case),
        survivor_id=named(slug, "survivors", case),
        to_organisation_id=named("organisation", to),
        need="COURT_FOLLOW_UP",
        urgency="SOON",
        **values,
    )[1]


def _about_referral(sender: str, label: str) -> dict[str, UUID]:
    return {
        "referral_organisation_id": named("organisation", sender),
        "referral_id": named(sender, "received", label),
    }


def answer(slug: str, sender: str, label: str) -> Row:
    values = {"answer": "ACCEPTED", **_about_referral(sender, label)}
    return made(slug, "referral_answers", f"{sender}/{label}", **values)[1]


def hearing_for(slug: str, sender: str, label: str) -> Row:
    values = {"held_on": DAY, "mode": "VIDEO", **_about_referral(sender, label)}
    return made(slug, "referral_hearings", f"{sender}/{label}", **values)[1]


def update_for(slug: str, sender: str, label: str) -> Row:
    values = {"kind": "CONTACT_MADE", "happened_on": DAY, **_about_referral(sender, label)}
    return made(slug, "referral_updates", f"{sender}/{label}", **values)[1]


def given(slug: str, sender: str, label: str) -> Row:
    """To its only worker."""
    worker = named("membership", f"{slug}/{Role.DESTINATION_WORKER}/1")
    values = {"membership_id": worker, **_about_referral(sender, label)}
    return made(slug, "referral_assignments", f"{sender}/{label}", **values)[1]


def confirmation(slug: str, receiver: str, referral: str, case: str) -> Row:
    """What a CBO says of its end of the link on the day that the receiver reports."""
    values = {
        "hearing_id": named(receiver, "referral_hearings", f"{slug}/{referral}"),
        "hearing_organisation_id": named("organisation", receiver),
        "referral_id": named(slug, "referrals", referral),
        "case_id": named(slug, "cases", case),
        "survivor_id": named(slug, "survivors", case),
        "remote_point": "DLSA Barasat",
        "has_coordinator": True,
        "updated_by": author(slug),
    }
    return made(slug, "hearing_confirmations", referral, id=None, **values)[1]

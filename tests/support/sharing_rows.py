"""Rows of what organisations share with each other: what both have signed, what she agreed to, what else it stands on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.support.made import EARLIER, LATER, about_her, author, made
from tests.support.people import Row, named

TO_GOA = ("LEGAL_STATUS", "HEARING_SCHEDULE")
NAMED = ("IDENTITY_MINIMAL", "CONTACT_SAFE")
ALL_SCOPES = (*TO_GOA, *NAMED, "IDENTITY_FULL", "RISK_SAFETY")


def agreement(slug: str, partner: str) -> Row:
    values = {"partner_id": named("organisation", partner), "scopes": list(ALL_SCOPES)}
    dates = {"valid_from": EARLIER, "valid_until": LATER + timedelta(days=30)}
    return made(slug, "agreements", partner, id=None, updated_by=author(slug), **values, **dates)[1]


def suspensions(slug: str) -> Iterator[tuple[str, Row]]:
    """That of ``hers`` was lifted, that of ``ours`` is in force."""
    yield "hers", suspension(slug, "hers", "secretariat", updated_by=author(slug), lifted_at=EARLIER)
    yield "ours", suspension(slug, "ours", "secretariat")


def suspension(slug: str, label: str, partner: str, **values: Any) -> Row:
    about = {"partner_id": named("organisation", partner), "reason": "COMPROMISED"}
    return made(slug, "partner_suspensions", label, **about, **values)[1]


def consents(slug: str, other: str) -> Iterator[tuple[str, Row]]:
    """What the referrals stand on; ``ours`` is there for tests to refer on, ``once`` and ``ended`` are withdrawn."""
    for label, survivor, to in (
        ("hers", "hers", "goa"),
        ("ours", "ours", "goa"),
        ("exchanged", "ours", other),
        ("once", "hers", "goa"),
        ("ended", "ours", "goa"),
    ):
        values = {
            "recipient_id": named("organisation", to),
            "purpose": "COURT_FOLLOW_UP",
            "scopes": list(ALL_SCOPES),
            "giver": "SELF",
            "mode": "APP",
            "notice_version": "1",
            "notice_language": "bn",
            "agreed": ["PURPOSE"],
            "given_at": EARLIER,
            "valid_until": LATER + timedelta(days=30),
        }
        yield label, about_her(slug, "consents", label, survivor=survivor, has_id=True, **values)


def basis(slug: str, label: str) -> Row:
    """An order of a court for what the referral ``hers`` asks of Goa, on which it does not stand."""
    values = {
        "recipient_id": named("organisation", "goa"),
        "purpose": "COURT_FOLLOW_UP",
        "kind": "COURT_ORDER",
        "scopes": list(ALL_SCOPES),
        "reference": "WP 1/2026",
        "valid_until": LATER,
    }
    return about_her(slug, "legal_bases", label, survivor=label, has_id=True, **values)


def withdrawal(slug: str, survivor: str, consent: str) -> Row:
    consent_id = named(slug, "consents", consent)
    return about_her(slug, "consent_withdrawals", consent, survivor=survivor, consent_id=consent_id)

"""Rows of one CBO in every tenant table: ``hers`` hang on survivor 1 and her case, ``ours`` on survivor 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from tests.support.people import Member, Row, named

from pat_auth.policy import Role

LABELS = ("hers", "ours")
DAY = date(2026, 1, 15)
LATER = datetime.now(UTC) + timedelta(days=30)
EARLIER = datetime.now(UTC) - timedelta(days=30)
TO_GOA = ("LEGAL_STATUS", "HEARING_SCHEDULE")

Labelled = dict[str, Row]


def rows_of(slug: str, other: str, members: list[Member]) -> dict[str, Labelled]:
    """The rows of the CBO ``slug``, by table and label; ``other`` is the CBO with which it exchanges a referral."""
    tables: dict[str, Labelled] = {}
    for label in LABELS:
        for table, row in (
            *_survivor(slug, label),
            *_case(slug, label),
            *_arrival(slug, label),
            *_hold(slug, label),
            *_group(slug, label),
        ):
            tables.setdefault(table, {})[label] = row
        for table, row in _sign_in(slug, label):
            tables.setdefault(table, {})[label] = row
    tables["app.case_assignments"] = dict(_assignments(slug, members))
    tables["app.replays"] = dict(_replays(slug, members))
    tables["app.agreements"] = {to: _agreement(slug, to) for to in (other, "goa", "delhi")}
    # Whoever suspends is a secretariat; nobody has signed anything with whom these suspend.
    tables["app.partner_suspensions"] = dict(_suspensions(slug))
    tables["app.consents"] = dict(_consents(slug, other))
    tables["app.consent_withdrawals"] = {
        "hers": _withdrawal(slug, "hers", "once"),
        "ours": _withdrawal(slug, "ours", "ended"),
    }
    tables["app.barred_guardians"] = {
        label: _about(slug, "barred_guardians", label, survivor=label) for label in LABELS
    }
    tables["app.legal_bases"] = {label: _basis(slug, label) for label in LABELS}
    tables["app.legal_basis_reasons"] = {
        label: _about(
            slug,
            "legal_basis_reasons",
            label,
            survivor=label,
            basis_id=named(slug, "legal_bases", label),
            reason=_marker(slug, label),
        )
        for label in LABELS
    }
    tables["app.referrals"] = _referrals(slug, other)
    tables["app.referral_answers"] = {"ours": _answer(slug, other, "exchanged")}
    tables["app.referral_hearings"] = {"ours": _hearing_for(slug, other, "exchanged")}
    tables["app.referral_updates"] = {"ours": _update_for(slug, other, "exchanged")}
    tables["app.referral_assignments"] = {"ours": _given(slug, other, "exchanged")}
    tables["app.hearing_confirmations"] = {
        "hers": _confirmation(slug, "goa", "hers", "hers"),
        "exchanged": _confirmation(slug, other, "exchanged", "ours"),
    }
    return tables


def rows_of_receiver(slug: str, senders: Iterable[str]) -> dict[str, Labelled]:
    """What a destination has written about the referral ``hers`` of each CBO: it took them on, and reports a hearing."""
    return {
        "app.agreements": {sender: _agreement(slug, sender) for sender in senders},
        "app.referral_answers": {sender: _answer(slug, sender, "hers") for sender in senders},
        "app.referral_hearings": {sender: _hearing_for(slug, sender, "hers") for sender in senders},
        "app.referral_updates": {sender: _update_for(slug, sender, "hers") for sender in senders},
        "app.referral_assignments": {sender: _given(slug, sender, "hers") for sender in senders},
    }


def rows_of_secretariat(slug: str, partners: Iterable[str]) -> dict[str, Labelled]:
    """That each CBO was suspended once."""
    once = {"updated_by": author(slug), "lifted_at": EARLIER}
    return {"app.partner_suspensions": {each: _suspension(slug, each, each, **once) for each in partners}}


def author(slug: str) -> UUID:
    return named("person", f"{slug}/{Role.CASE_MANAGER}/1")


def _base(slug: str, table: str, label: str, **values: Any) -> tuple[str, Row]:
    row = {
        "organisation_id": named("organisation", slug),
        "id": named(slug, table, label),
        "created_by": author(slug),
        **values,
    }
    return f"app.{table}", {name: value for name, value in row.items() if value is not None}


def _marker(slug: str, label: str) -> bytes:
    return f"marker {slug} {label}".encode()


def _survivor(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    survivor = named(slug, "survivors", label)
    code = f"{slug}-{label}"
    yield _base(slug, "survivors", label, code=code, gender="Feminine", is_minor_at_intake=False)
    yield _base(slug, "survivor_keys", label, id=None, survivor_id=survivor, wrapped=_marker(slug, label))
    yield _base(
        slug, "survivor_identities", label, id=None, survivor_id=survivor, first_name=_marker(slug, label)
    )


def _case(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    case, survivor = named(slug, "cases", label), named(slug, "survivors", label)
    note, proceeding = named(slug, "case_notes", label), named(slug, "legal_proceedings", label)
    about = {"case_id": case, "survivor_id": survivor}
    yield _base(
        slug,
        "cases",
        label,
        survivor_id=survivor,
        code=f"{slug}-{label}",
        status="ACTIVE",
        stage="REUNITED",
        risk_level="HIGH",
        trafficking_status="ActualVictimOfTrafficking",
        opened_on=DAY,
        updated_by=author(slug),
    )
    yield _base(slug, "case_notes", label, **about, kind="LEGAL")
    yield _base(slug, "case_note_texts", label, id=None, note_id=note, **about, text=_marker(slug, label))
    yield _base(
        slug,
        "legal_proceedings",
        label,
        **about,
        jurisdiction="SOURCE",
        state="West Bengal",
        stage="CHARGESHEET",
    )
    yield _base(slug, "hearings", label, **about, proceeding_id=proceeding, held_on=DAY, mode="VIDEO")
    # Beside those that are written whenever a referral is.
    yield _base(
        slug,
        "referral_changes",
        label,
        created_by=None,
        referral_id=named(slug, "referrals", label),
        **about,
        transaction=3,
    )


def _arrival(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    """That of ``hers`` is an alert, that of ``ours`` is none; both are closed."""
    about = {"created_by": None, "survivor_id": named(slug, "survivors", label)}
    yield _base(slug, "alerts", label, **about, is_raised=label == "hers")
    closing = {"id": None, "alert_id": named(slug, "alerts", label)}
    yield _base(slug, "alert_closings", label, **closing, because="SAFE")


def _hold(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    """That of ``hers`` was lifted, that of ``ours`` is in force."""
    lifted = {"updated_by": author(slug), "lifted_at": EARLIER} if label == "hers" else {}
    yield _base(slug, "safety_holds", label, survivor_id=named(slug, "survivors", label), **lifted)


def _group(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    group, member = named(slug, "self_help_groups", label), named(slug, "group_members", label)
    yield _base(
        slug,
        "self_help_groups",
        label,
        name=f"{slug} {label}",
        status="FORMED",
        policy="SPECIAL",
        formed_on=DAY,
    )
    yield _base(slug, "group_members", label, group_id=group, role="MEMBER", joined_on=DAY)
    yield _base(
        slug,
        "group_member_identities",
        label,
        id=None,
        member_id=member,
        wrapped=b"key",
        name=_marker(slug, label),
    )
    yield _base(
        slug,
        "group_entries",
        label,
        group_id=group,
        member_id=member,
        kind="SAVING",
        amount_paise=5000,
        entered_on=DAY,
    )


def _sign_in(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    """A program with a key, and somebody who is invited."""
    yield _base(
        slug,
        "clients",
        label,
        name=f"{slug} {label}",
        kind="PUBLIC",
        redirect_uris=[f"https://{label}.{slug}.example/back"],
        origins=[f"https://{label}.{slug}.example"],
        scopes=["cases"],
        updated_by=author(slug),
    )
    yield _base(
        slug,
        "client_keys",
        label,
        client_id=named(slug, "clients", label),
        kid=label,
        jwk=Jsonb({"kid": label}),
    )
    yield _base(
        slug,
        "invitations",
        label,
        email=f"{label}@{slug}.example",
        name=f"{slug} {label}",
        role=Role.COUNSELLOR.value,
        token_hash=_marker(slug, label),
        expires_at=LATER,
    )


def rows_of_sign_in(member: Member) -> dict[str, Labelled]:
    """A row of each table that the issuer keeps: what the member left when she signed in, all of it over."""
    browser, client = named(member.name, "browser"), named(member.slug, "clients", "hers")
    upstream = named(member.name, "upstream")
    hers = {"person_id": member.person}
    asked = {"client": client, "membership_id": member.membership, "expires_at": EARLIER}
    rows: dict[str, Row] = {
        "browsers": {"id": browser, "secret_hash": b"browser", **hers, "expires_at": EARLIER},
        "asks": {"id": named(member.name, "ask"), "browser_id": browser, **asked, "query": "scope=cases"},
        "consents": {**hers, "client": client, "membership_id": member.membership, "scopes": ["cases"]},
        "codes": {
            "hash": b"code",
            **hers,
            **asked,
            "organisation_id": member.organisation,
            "browser_id": browser,
            "redirect_uri": "https://hers.cbo-a.example/back",
            "scopes": ["cases"],
            "challenge": "challenge",
            "auth_time": EARLIER,
            "acr": "2",
            "amr": ["pwd", "otp"],
        },
        "refresh_tokens": {
            "hash": b"token",
            "session_id": member.session,
            "number": 0,
            "scopes": ["cases"],
            "expires_at": EARLIER,
        },
        "assertions": {"client": client, "jti_hash": b"jti", "expires_at": EARLIER},
        "attempts": {"kind": "ACCOUNT", "key": b"key", "last_at": EARLIER, "next_at": EARLIER},
        "secrets": {**hers, "kind": "PASSWORD", "hash": "hash"},
        "second_factors": {**hers, "id": named(member.name, "second factor"), "sealed": b"sealed"},
        "recovery_codes": {**hers, "hash": b"recovery"},
        "mails": {"id": named(member.name, "mail"), "sealed": b"sealed", "expires_at": EARLIER},
        "passkeys": {**hers, "id": b"passkey", "handle": b"handle", "public_key": b"key", "sign_count": 0},
        "resets": {**hers, "key": b"key", "token_hash": b"reset", "expires_at": EARLIER},
        "challenges": {
            "browser_id": browser,
            "purpose": "SIGN_IN",
            "challenge": b"challenge",
            "expires_at": EARLIER,
        },
        "upstreams": {
            "id": upstream,
            "organisation_id": member.organisation,
            "name": "Their own",
            "issuer": "https://provider.example",
            "client_id": "pat",
            "disabled_at": EARLIER,
        },
        "upstream_visits": {
            "state_hash": b"state",
            "upstream_id": upstream,
            "browser_id": browser,
            "created_at": EARLIER,
            "expires_at": EARLIER,
        },
        "upstream_identities": {**hers, "upstream_id": upstream, "subject": "subject", "ended_at": EARLIER},
    }
    return {f"sec.{table}": {"hers": row} for table, row in rows.items()}


def _assignments(slug: str, members: Iterable[Member]) -> Iterator[tuple[str, Row]]:
    """Everybody is assigned to ``hers``, whatever the role, and was to ``ours``; for the second social worker it is the reverse."""
    for member in members:
        if member.role is not Role.SURVIVOR:
            live, ended = LABELS if member.number == 1 else LABELS[::-1]
            name = f"{member.role}{member.number}"
            yield name, _assignment(slug, name, live, member)
            yield f"{name} once", _assignment(slug, f"{name} once", ended, member, ended_at=EARLIER)


def _assignment(slug: str, name: str, label: str, member: Member, **values: Any) -> Row:
    about = {"case_id": named(slug, "cases", label), "survivor_id": named(slug, "survivors", label)}
    return _base(slug, "case_assignments", name, **about, **_of(member), **values)[1]


def _of(member: Member) -> Row:
    return {"person_id": member.person, "membership_id": member.membership}


def _replays(slug: str, members: Iterable[Member]) -> Iterator[tuple[str, Row]]:
    for member in members:
        name = f"{member.role}{member.number}"
        values = {
            "person_id": member.person,
            "client": "tests",
            "key": named(slug, "replays", name),
            "operation": "openCase",
            "input_hash": b"hash",
            "answer": "{}",
        }
        yield name, _base(slug, "replays", name, id=None, created_by=None, **values)[1]


NAMED = ("IDENTITY_MINIMAL", "CONTACT_SAFE")
ALL_SCOPES = (*TO_GOA, *NAMED, "IDENTITY_FULL", "RISK_SAFETY")


def _agreement(slug: str, partner: str) -> Row:
    values = {"partner_id": named("organisation", partner), "scopes": list(ALL_SCOPES)}
    dates = {"valid_from": EARLIER, "valid_until": LATER + timedelta(days=30)}
    return _base(slug, "agreements", partner, id=None, updated_by=author(slug), **values, **dates)[1]


def _suspensions(slug: str) -> Iterator[tuple[str, Row]]:
    """That of ``hers`` was lifted, that of ``ours`` is in force."""
    yield "hers", _suspension(slug, "hers", "secretariat", updated_by=author(slug), lifted_at=EARLIER)
    yield "ours", _suspension(slug, "ours", "secretariat")


def _suspension(slug: str, label: str, partner: str, **values: Any) -> Row:
    about = {"partner_id": named("organisation", partner), "reason": "COMPROMISED"}
    return _base(slug, "partner_suspensions", label, **about, **values)[1]


def _consents(slug: str, other: str) -> Iterator[tuple[str, Row]]:
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
        yield label, _about(slug, "consents", label, survivor=survivor, has_id=True, **values)


def _basis(slug: str, label: str) -> Row:
    """An order of a court for what the referral ``hers`` asks of Goa, on which it does not stand."""
    values = {
        "recipient_id": named("organisation", "goa"),
        "purpose": "COURT_FOLLOW_UP",
        "kind": "COURT_ORDER",
        "scopes": list(ALL_SCOPES),
        "reference": "WP 1/2026",
        "valid_until": LATER,
    }
    return _about(slug, "legal_bases", label, survivor=label, has_id=True, **values)


def _withdrawal(slug: str, survivor: str, consent: str) -> Row:
    consent_id = named(slug, "consents", consent)
    return _about(slug, "consent_withdrawals", consent, survivor=survivor, consent_id=consent_id)


def _about(slug: str, table: str, label: str, *, survivor: str, has_id: bool = False, **values: Any) -> Row:
    """A row about a survivor."""
    if not has_id:
        values["id"] = None
    return _base(slug, table, label, survivor_id=named(slug, "survivors", survivor), **values)[1]


def _referrals(slug: str, other: str) -> Labelled:
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
    return _base(
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


def _answer(slug: str, sender: str, label: str) -> Row:
    values = {"answer": "ACCEPTED", **_about_referral(sender, label)}
    return _base(slug, "referral_answers", f"{sender}/{label}", **values)[1]


def _hearing_for(slug: str, sender: str, label: str) -> Row:
    values = {"held_on": DAY, "mode": "VIDEO", **_about_referral(sender, label)}
    return _base(slug, "referral_hearings", f"{sender}/{label}", **values)[1]


def _update_for(slug: str, sender: str, label: str) -> Row:
    values = {"kind": "CONTACT_MADE", "happened_on": DAY, **_about_referral(sender, label)}
    return _base(slug, "referral_updates", f"{sender}/{label}", **values)[1]


def _given(slug: str, sender: str, label: str) -> Row:
    """To its only worker."""
    worker = named("membership", f"{slug}/{Role.DESTINATION_WORKER}/1")
    values = {"membership_id": worker, **_about_referral(sender, label)}
    return _base(slug, "referral_assignments", f"{sender}/{label}", **values)[1]


def _confirmation(slug: str, receiver: str, referral: str, case: str) -> Row:
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
    return _base(slug, "hearing_confirmations", referral, id=None, **values)[1]

"""Rows of one CBO in every tenant table: ``hers`` hang on survivor 1 and her case, ``ours`` on survivor 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.support import referral_rows as referrals
from tests.support import sharing_rows as sharing
from tests.support.made import DAY, EARLIER, LABELS, Labelled, about_her, author, made, marker
from tests.support.people import Member, Row, named
from tests.support.sign_in_rows import rows_of_client

from pat_auth.policy import Role


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
        for table, row in rows_of_client(slug, label):
            tables.setdefault(table, {})[label] = row
    tables["app.case_assignments"] = dict(_assignments(slug, members))
    tables["app.replays"] = dict(_replays(slug, members))
    tables["app.agreements"] = {to: sharing.agreement(slug, to) for to in (other, "goa", "delhi")}
    # Whoever suspends is a secretariat; nobody has signed anything with whom these suspend.
    tables["app.partner_suspensions"] = dict(sharing.suspensions(slug))
    tables["app.consents"] = dict(sharing.consents(slug, other))
    tables["app.consent_withdrawals"] = {
        "hers": sharing.withdrawal(slug, "hers", "once"),
        "ours": sharing.withdrawal(slug, "ours", "ended"),
    }
    tables["app.barred_guardians"] = {
        label: about_her(slug, "barred_guardians", label, survivor=label) for label in LABELS
    }
    tables["app.legal_bases"] = {label: sharing.basis(slug, label) for label in LABELS}
    tables["app.legal_basis_reasons"] = {
        label: about_her(
            slug,
            "legal_basis_reasons",
            label,
            survivor=label,
            basis_id=named(slug, "legal_bases", label),
            reason=marker(slug, label),
        )
        for label in LABELS
    }
    tables["app.referrals"] = referrals.referrals(slug, other)
    tables["app.referral_answers"] = {"ours": referrals.answer(slug, other, "exchanged")}
    tables["app.referral_hearings"] = {"ours": referrals.hearing_for(slug, other, "exchanged")}
    tables["app.referral_updates"] = {"ours": referrals.update_for(slug, other, "exchanged")}
    tables["app.referral_assignments"] = {"ours": referrals.given(slug, other, "exchanged")}
    tables["app.hearing_confirmations"] = {
        "hers": referrals.confirmation(slug, "goa", "hers", "hers"),
        "exchanged": referrals.confirmation(slug, other, "exchanged", "ours"),
    }
    return tables


def rows_of_receiver(slug: str, senders: Iterable[str]) -> dict[str, Labelled]:
    """What a destination has written about the referral ``hers`` of each CBO: it took them on, and reports a hearing."""
    return {
        "app.agreements": {sender: sharing.agreement(slug, sender) for sender in senders},
        "app.referral_answers": {sender: referrals.answer(slug, sender, "hers") for sender in senders},
        "app.referral_hearings": {sender: referrals.hearing_for(slug, sender, "hers") for sender in senders},
        "app.referral_updates": {sender: referrals.update_for(slug, sender, "hers") for sender in senders},
        "app.referral_assignments": {sender: referrals.given(slug, sender, "hers") for sender in senders},
    }


def rows_of_secretariat(slug: str, partners: Iterable[str]) -> dict[str, Labelled]:
    """That each CBO was suspended once."""
    once = {"updated_by": author(slug), "lifted_at": EARLIER}
    return {
        "app.partner_suspensions": {each: sharing.suspension(slug, each, each, **once) for each in partners}
    }


def _survivor(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    survivor = named(slug, "survivors", label)
    code = f"{slug}-{label}"
    yield made(slug, "survivors", label, code=code, gender="Feminine", is_minor_at_intake=False)
    yield made(slug, "survivor_keys", label, id=None, survivor_id=survivor, wrapped=marker(slug, label))
    yield made(
        slug, "survivor_identities", label, id=None, survivor_id=survivor, first_name=marker(slug, label)
    )


def _case(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    case, survivor = named(slug, "cases", label), named(slug, "survivors", label)
    note, proceeding = named(slug, "case_notes", label), named(slug, "legal_proceedings", label)
    about = {"case_id": case, "survivor_id": survivor}
    yield made(
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
    yield made(slug, "case_notes", label, **about, kind="LEGAL")
    yield made(slug, "case_note_texts", label, id=None, note_id=note, **about, text=marker(slug, label))
    yield made(
        slug,
        "legal_proceedings",
        label,
        **about,
        jurisdiction="SOURCE",
        state="West Bengal",
        stage="CHARGESHEET",
    )
    yield made(slug, "hearings", label, **about, proceeding_id=proceeding, held_on=DAY, mode="VIDEO")
    # Beside those that are written whenever a referral is.
    referral = {"created_by": None, "referral_id": named(slug, "referrals", label), **about}
    yield made(slug, "referral_changes", label, **referral, transaction=3)
    yield made(slug, "referral_steps", label, **referral, state="DRAFT")


def _arrival(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    """That of ``hers`` is an alert, that of ``ours`` is none; both are closed."""
    about = {"created_by": None, "survivor_id": named(slug, "survivors", label)}
    yield made(slug, "alerts", label, **about, is_raised=label == "hers")
    closing = {"id": None, "alert_id": named(slug, "alerts", label)}
    yield made(slug, "alert_closings", label, **closing, because="SAFE")


def _hold(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    """That of ``hers`` was lifted, that of ``ours`` is in force."""
    lifted = {"updated_by": author(slug), "lifted_at": EARLIER} if label == "hers" else {}
    yield made(slug, "safety_holds", label, survivor_id=named(slug, "survivors", label), **lifted)


def _group(slug: str, label: str) -> Iterator[tuple[str, Row]]:
    group, member = named(slug, "self_help_groups", label), named(slug, "group_members", label)
    yield made(
        slug,
        "self_help_groups",
        label,
        name=f"{slug} {label}",
        status="FORMED",
        policy="SPECIAL",
        formed_on=DAY,
    )
    yield made(slug, "group_members", label, group_id=group, role="MEMBER", joined_on=DAY)
    yield made(
        slug,
        "group_member_identities",
        label,
        id=None,
        member_id=member,
        wrapped=b"key",
        name=marker(slug, label),
    )
    yield made(
        slug,
        "group_entries",
        label,
        group_id=group,
        member_id=member,
        kind="SAVING",
        amount_paise=5000,
        entered_on=DAY,
    )


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
    return made(slug, "case_assignments", name, **about, **_of(member), **values)[1]


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
        yield name, made(slug, "replays", name, id=None, created_by=None, **values)[1]

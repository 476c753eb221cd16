"""The terms of a referral as a truth table: agreement, consent or another basis, its own terms, its state and answer, to either receiver.

What the door shows is compared with a few lines of Python that know nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from uuid import uuid4

import pytest
from tests.isolation.lines import array, read
from tests.support.people import named
from tests.support.sharing_rows import TO_GOA
from tests.support.wall import Wall, as_superuser, insert

from pat_auth.policy import Role

US, THEM = "cbo-a", "goa"
OVER, TO_COME = "now() - interval '1 minute'", "now() + interval '1 minute'"
NARROW = ("LEGAL_STATUS",)

# What is done to what both have signed, and what then holds: its status for referrals, and which scopes it allows (None: all).
AGREEMENTS: dict[str, tuple[tuple[tuple[str, str], ...], str, tuple[str, ...] | None]] = {
    "live": ((), "LIVE", None),
    "nobody signed": (((US, "gone"), (THEM, "gone")), "NONE", None),
    "they did not sign": (((THEM, "gone"),), "NONE", None),
    "we did not sign": (((US, "gone"),), "NONE", None),
    "suspended by us": (((US, "suspended_at = now()"),), "SUSPENDED", None),
    "suspended by them": (((THEM, "suspended_at = now()"),), "SUSPENDED", None),
    "ours is over": (((US, f"valid_until = {OVER}"),), "NONE", None),
    "theirs is over": (((THEM, f"valid_until = {OVER}"),), "NONE", None),
    "ours is to come": (((US, f"valid_from = {TO_COME}"),), "NONE", None),
    "theirs is to come": (((THEM, f"valid_from = {TO_COME}"),), "NONE", None),
    "ours is narrow": (((US, "scopes = '{LEGAL_STATUS}'"),), "LIVE", NARROW),
    "theirs is narrow": (((THEM, "scopes = '{LEGAL_STATUS}'"),), "LIVE", NARROW),
    "we are suspended in the network": (((US, "shut"),), "SUSPENDED", None),
    "they are suspended in the network": (((THEM, "shut"),), "SUSPENDED", None),
    "somebody was, once": (((THEM, "shut once"),), "LIVE", None),
}
CONSENTS: dict[str, str] = {
    "live": "",
    "none": "update app.referrals set consent_id = null where id = %(referral)s",
    "withdrawn": (
        "insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)"
        " select organisation_id, id, survivor_id, created_by from app.consents where id = %(consent)s"
    ),
    "over": f"update app.consents set valid_until = {OVER} where id = %(consent)s",
    "narrow": "update app.consents set scopes = '{LEGAL_STATUS}' where id = %(consent)s",
}
_WITHDRAWN = CONSENTS["withdrawn"]
_ORDER = (
    "update app.referrals set consent_id = null, basis_id = %(basis)s where id = %(referral)s;"
    " update app.legal_bases set {} where id = %(basis)s"
)
_VITAL = "kind = 'VITAL_INTEREST', reference = null, valid_until = now() + interval '1 hour', scopes = '{CONTACT_SAFE}'"
BASES: dict[str, str] = {
    "order": _ORDER.format("review = null"),
    "order after a withdrawal": f"{_WITHDRAWN}; {_ORDER.format('review = null')}",
    "order that was ended": _ORDER.format("ended_by = created_by, ended_at = now()"),
    "order that is over": _ORDER.format(f"created_at = now() - interval '1 hour', valid_until = {OVER}"),
    "narrow order": _ORDER.format("scopes = '{LEGAL_STATUS}'"),
    "vital interest": _ORDER.format(f"{_VITAL}, approved_by = gen_random_uuid(), approved_at = now()"),
    "vital interest that nobody approved": _ORDER.format(_VITAL),
}
STATES = ("SENT", "SUSPENDED", "REVOKED")
ANSWERS = ("ACCEPTED", None, "COMPLETED")


NOTHING = ("none", "over", "order that is over", "vital interest that nobody approved")


ALLOWED = {"narrow": NARROW, "narrow order": NARROW, "vital interest": ()}


def expected(agreement: str, consent: str, state: str, answer: str | None, *, is_over: bool) -> str:
    """The status that both sides see."""
    if state != "SENT":
        return state
    if answer == "COMPLETED":
        return answer
    if consent in ("withdrawn", "order that was ended"):
        return "REVOKED"
    if AGREEMENTS[agreement][1] == "SUSPENDED":
        return "SUSPENDED"
    if AGREEMENTS[agreement][1] != "LIVE" or consent in NOTHING or is_over:
        return "EXPIRED"
    return answer or "SENT"


def shared(agreement: str, consent: str, status: str) -> list[str]:
    """The scopes that the receiver is shown."""
    if status != "ACCEPTED":
        return []
    narrowed = (AGREEMENTS[agreement][2], ALLOWED.get(consent))
    return [scope for scope in TO_GOA if all(limit is None or scope in limit for limit in narrowed)]


@pytest.fixture
def terms(wall: Wall) -> Iterator[dict[str, object]]:
    """``hers`` of cbo-a, which Goa has accepted; all that is done to it is undone."""
    with wall.admin.transaction(force_rollback=True):
        yield {
            "referral": named(US, "referrals", "hers"),
            "received": named(US, "received", "hers"),
            "consent": named(US, "consents", "hers"),
            "basis": named(US, "legal_bases", "hers"),
            US: wall.organisation(US),
            THEM: wall.organisation(THEM),
        }


def sign(wall: Wall, agreement: str, terms: dict[str, object]) -> None:
    for side, change in AGREEMENTS[agreement][0]:
        if change in ("shut", "shut once"):
            wall.admin.execute(
                "insert into app.partner_suspensions (organisation_id, id, partner_id, reason, created_by, lifted_at)"
                " values (%s, gen_random_uuid(), %s, 'CLOSED', gen_random_uuid(), case when %s then now() end)",
                (wall.organisation("secretariat"), terms[side], change == "shut once"),
            )
            continue
        other = THEM if side == US else US
        where = f"where organisation_id = %({side})s and partner_id = %({other})s"
        what = "delete from app.agreements" if change == "gone" else f"update app.agreements set {change}"
        wall.admin.execute(f"{what} {where}".encode(), terms)


def put(
    wall: Wall, terms: dict[str, object], consent: str, state: str, answer: str | None, *, is_over: bool
) -> None:
    for statement in filter(None, (CONSENTS | BASES)[consent].split(";")):
        wall.admin.execute(statement.encode(), terms)
    until = OVER if is_over else "now() + interval '1 day'"
    changed = f"update app.referrals set state = '{state}', agreed_until = {until} where id = %(referral)s"
    wall.admin.execute(changed.encode(), terms)
    if answer is None:
        wall.admin.execute("delete from app.referral_answers where referral_id = %(received)s", terms)
    elif answer == "COMPLETED":
        wall.admin.execute(
            "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, created_by)"
            " select organisation_id, gen_random_uuid(), referral_organisation_id, referral_id, 'COMPLETED', created_by"
            " from app.referral_answers where referral_id = %(received)s",
            terms,
        )


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_the_door_shows_what_all_terms_allow_and_no_more(
    wall: Wall, terms: dict[str, object], agreement: str
) -> None:
    sign(wall, agreement, terms)
    combinations = product(CONSENTS, STATES, ANSWERS, (False, True))
    on_a_basis = product(BASES, STATES, ANSWERS[:1], (False, True))
    for consent, state, answer, is_over in (*combinations, *on_a_basis):
        with wall.admin.transaction(force_rollback=True):
            put(wall, terms, consent, state, answer, is_over=is_over)
            status = expected(agreement, consent, state, answer, is_over=is_over)
            scopes = shared(agreement, consent, status)
            case = (consent, state, answer, is_over)
            received = f"from door.received_referrals where id = '{terms['received']}'"
            seen = read(wall, THEM, Role.DESTINATION_WORKER, f"select status, scopes::text {received}")
            assert list(seen) == [(status, "{" + ",".join(scopes) + "}")], case
            for scope, view in (("LEGAL_STATUS", "proceedings"), ("HEARING_SCHEDULE", "hearings")):
                rows = read(
                    wall,
                    THEM,
                    Role.DESTINATION_WORKER,
                    f"select 1 from door.received_{view} where referral_id = '{terms['received']}'",
                )
                assert bool(rows) is (scope in scopes), case
            sent = f"select status from door.referral_states where id = '{terms['referral']}'"
            assert list(read(wall, US, Role.CASE_MANAGER, sent)) == [(status,)], case
            between = f"from_organisation_id = '{terms[US]}' and to_organisation_id = '{terms[THEM]}'"
            looked_on = f"select status from door.network_referrals where {between}"
            assert list(read(wall, "secretariat", Role.SECRETARIAT_ANALYST, looked_on)) == [(status,)], case


@pytest.mark.parametrize(
    ("change", "until"),
    [
        ("update app.referrals set agreed_until = 'epoch' where id = %(referral)s", "referral"),
        (
            "update app.consents set given_at = '-infinity', valid_until = 'epoch' where id = %(consent)s",
            "consent",
        ),
        (
            "update app.agreements set valid_from = '-infinity', valid_until = 'epoch'"
            " where organisation_id = %(goa)s and partner_id = %(cbo-a)s",
            "agreement",
        ),
        (
            "with over as (update app.legal_bases set created_at = '1969-12-01', valid_until = 'epoch'"
            " where organisation_id = %(cbo-a)s and id = %(basis)s returning id)"
            " update app.referrals set consent_id = null, basis_id = over.id from over where referrals.id = %(referral)s",
            "basis",
        ),
    ],
)
def test_a_referral_ends_with_the_first_of_its_terms(
    wall: Wall, terms: dict[str, object], change: str, until: str
) -> None:
    wall.admin.execute(change.encode(), {**terms, "basis": named(US, "legal_bases", "hers")})
    for slug, role, view, key in (
        (THEM, Role.DESTINATION_WORKER, "door.received_referrals", "received"),
        (US, Role.CASE_MANAGER, "door.referral_states", "referral"),
    ):
        ends = f"select agreed_until = 'epoch', status from {view} where id = '{terms[key]}'"
        assert list(read(wall, slug, role, ends)) == [(True, "EXPIRED")], until


@pytest.mark.parametrize("side", [US, THEM])
def test_a_referral_begins_with_the_last_of_what_both_have_signed(
    wall: Wall, terms: dict[str, object], side: str
) -> None:
    other = THEM if side == US else US
    wall.admin.execute("update app.agreements set valid_from = now() - interval '1 year'")
    wall.admin.execute(
        "update app.agreements set valid_from = now() - interval '1 day' where organisation_id = %s and partner_id = %s",
        (wall.organisation(side), wall.organisation(other)),
    )
    for slug, role, view, key in (
        (THEM, Role.DESTINATION_WORKER, "door.received_referrals", "received"),
        (US, Role.CASE_MANAGER, "door.referral_states", "referral"),
    ):
        begins = f"select begins_at > now() - interval '2 days' from {view} where id = '{terms[key]}'"
        assert list(read(wall, slug, role, begins)) == [(True,)]


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_a_third_organisation_sees_nothing_whatever_the_terms(
    wall: Wall, terms: dict[str, object], agreement: str
) -> None:
    sign(wall, agreement, terms)
    for view in ("received_referrals", "received_proceedings", "received_hearings"):
        assert not read(wall, "delhi", Role.DESTINATION_WORKER, f"select 1 from door.{view}")


def test_each_side_sees_how_far_the_two_are(wall: Wall) -> None:
    told = {
        "live": ("LIVE", "LIVE"),
        "they did not sign": ("AWAITING_PARTNER", "AWAITING_US"),
        "we did not sign": ("AWAITING_US", "AWAITING_PARTNER"),
        "suspended by us": ("SUSPENDED", "SUSPENDED"),
        "suspended by them": ("SUSPENDED", "SUSPENDED"),
        "ours is over": ("EXPIRED", "EXPIRED"),
        "theirs is over": ("EXPIRED", "EXPIRED"),
        "ours is to come": ("UPCOMING", "UPCOMING"),
        "theirs is to come": ("UPCOMING", "UPCOMING"),
        "we are suspended in the network": ("SUSPENDED", "SUSPENDED"),
        "they are suspended in the network": ("SUSPENDED", "SUSPENDED"),
    }
    sides = ((US, Role.ORGANISATION_ADMIN, THEM), (THEM, Role.DESTINATION_ADMIN, US))
    for agreement, statuses in told.items():
        with wall.admin.transaction(force_rollback=True):
            sign(wall, agreement, {slug: wall.organisation(slug) for slug in (US, THEM)})
            for (slug, role, partner), status in zip(sides, statuses, strict=True):
                where = f"where partner_id = '{wall.organisation(partner)}'"
                seen = read(wall, slug, role, f"select status from door.agreements {where}")
                assert list(seen) == [(status,)], (agreement, slug)
    with wall.admin.transaction(force_rollback=True):
        sign(wall, "nobody signed", {slug: wall.organisation(slug) for slug in (US, THEM)})
        assert not read(
            wall,
            THEM,
            Role.DESTINATION_ADMIN,
            f"select 1 from door.agreements where partner_id = '{wall.organisation(US)}'",
        )


def test_what_one_side_alone_has_signed_shares_nothing(wall: Wall) -> None:
    sides: dict[str, object] = {slug: wall.organisation(slug) for slug in (US, THEM)}
    for agreement in ("they did not sign", "we did not sign"):
        with wall.admin.transaction(force_rollback=True):
            sign(wall, agreement, sides)
            with_them = f"select scopes::text from door.agreements where partner_id = '{sides[THEM]}'"
            assert list(read(wall, US, Role.ORGANISATION_ADMIN, with_them)) == [("{}",)], agreement


@pytest.mark.parametrize("signed_by", [(US, THEM), (THEM, US), (US,), (THEM,)], ids="-".join)
def test_each_side_sees_what_each_has_signed_and_what_holds_of_it(
    wall: Wall, signed_by: tuple[str, ...]
) -> None:
    """The first of those who signed it begins it later, ends it earlier, and shares less."""
    put = (
        "update app.agreements set scopes = %s, valid_from = now() - %s, valid_until = now() + %s"
        " where organisation_id = %s and partner_id = %s"
    )
    sides = {US: wall.organisation(US), THEM: wall.organisation(THEM)}
    scopes = (["RISK_SAFETY", "LEGAL_STATUS"], ["LEGAL_STATUS", "CONTACT_SAFE"])
    both = ["LEGAL_STATUS"] if len(signed_by) == 2 else []
    by = dict(zip(signed_by, scopes, strict=False))
    shown = (
        "select scopes::text, our_scopes::text, their_scopes::text,"
        " valid_from - now(), valid_until - now() from door.agreements where partner_id = '{}'"
    )
    with wall.admin.transaction(force_rollback=True):
        missing = tuple({US, THEM} - set(signed_by))
        wall.admin.execute(
            "delete from app.agreements where organisation_id = any(%s) and partner_id = any(%s)",
            ([sides[side] for side in missing], list(sides.values())),
        )
        for number, (side, said) in enumerate(by.items(), 1):
            other = THEM if side == US else US
            days = timedelta(days=number)
            wall.admin.execute(put, (said, days, days, sides[side], sides[other]))
        day = timedelta(days=1)
        for slug, role, other in ((US, Role.ORGANISATION_ADMIN, THEM), (THEM, Role.DESTINATION_ADMIN, US)):
            scopes_shown = (array(codes) for codes in (both, by.get(slug, []), by.get(other, [])))
            seen = read(wall, slug, role, shown.format(sides[other]))
            assert list(seen) == [(*scopes_shown, -day, day)], slug


def test_neither_side_sees_what_others_have_signed_with_each_other(wall: Wall) -> None:
    for slug, role in ((THEM, Role.DESTINATION_ADMIN), (US, Role.ORGANISATION_ADMIN)):
        with wall.admin.transaction(force_rollback=True):
            seen = read(wall, slug, role, "select partner_id from door.agreements")
        partners = {"goa": {"cbo-a", "cbo-b"}, "cbo-a": {"cbo-b", "goa", "delhi"}}[slug]
        assert {row[0] for row in seen} == {wall.organisation(each) for each in partners}


def test_the_views_hold_of_agreements_when_their_owner_may_read_everything(wall: Wall) -> None:
    every = "select a::text from door.agreements a order by a.partner_id"
    for slug, role in ((THEM, Role.DESTINATION_ADMIN), (US, Role.ORGANISATION_ADMIN)):
        with wall.admin.transaction(force_rollback=True):
            # What all have signed with one partner is of its own.
            wall.admin.execute(
                "update app.agreements set scopes = '{RISK_SAFETY}' where %s in (organisation_id, partner_id)",
                (wall.organisation("delhi"),),
            )
            seen = read(wall, slug, role, every)
            assert seen
            wall.admin.execute("alter policy pat_door_referral on app.agreements using (true)")
            assert read(wall, slug, role, every) == seen


def test_a_vital_interest_opens_nothing_until_somebody_has_approved_it(wall: Wall) -> None:
    """To either side; and what it stands on is called what it is, and ends no later than the agreement."""
    basis, approver = uuid4(), uuid4()
    asked = {
        ("goa", Role.DESTINATION_WORKER): "door.received_referrals where id = %s",
        ("cbo-a", Role.CASE_MANAGER): "door.referral_states where id = %s",
    }
    ids = {"goa": named("cbo-a", "received", "hers"), "cbo-a": named("cbo-a", "referrals", "hers")}
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(
            "insert into app.legal_bases (organisation_id, id, survivor_id, recipient_id, purpose, kind, scopes, valid_until, created_by)"
            " select organisation_id, %s, survivor_id, to_organisation_id, need, 'VITAL_INTEREST', '{CONTACT_SAFE,RISK_SAFETY}',"
            " now() + interval '71 hours', created_by from app.referrals where id = %s",
            (basis, ids["cbo-a"]),
        )
        wall.admin.execute(
            "update app.referrals set consent_id = null, basis_id = %s, scopes = '{CONTACT_SAFE}',"
            " agreed_until = now() + interval '9 days' where id = %s",
            (basis, ids["cbo-a"]),
        )
        wall.admin.execute("update app.agreements set valid_until = now() + interval '1 hour'")

        def seen() -> set[object]:
            found = set[object]()
            for (slug, role), view in asked.items():
                member = wall.member(slug, role)
                with as_superuser(wall.admin, member.login, member.session):
                    rows = wall.admin.execute(
                        f"select status, ground, agreed_until < now() + interval '2 hours' from {view}".encode(),
                        (ids[slug],),
                    )
                    found |= {(slug, *row) for row in rows.fetchall()}
            return found

        assert seen() == {("goa", "EXPIRED", None, False), ("cbo-a", "EXPIRED", None, False)}
        wall.admin.execute(
            "update app.legal_bases set approved_by = %s, approved_at = now() where id = %s",
            (approver, basis),
        )
        open_to = ("ACCEPTED", "VITAL_INTEREST", True)
        assert seen() == {("goa", *open_to), ("cbo-a", *open_to)}


@pytest.mark.parametrize(("table", "column"), [("consents", "consent_id"), ("legal_bases", "basis_id")])
def test_a_referral_stands_on_what_its_sender_has_and_on_nothing_that_another_calls_the_same(
    wall: Wall, table: str, column: str
) -> None:
    """Though it was given to whoever looks, and has been withdrawn."""
    ground = named("cbo-a", table, "hers")
    referral, received = named("cbo-a", "referrals", "hers"), named("cbo-a", "received", "hers")
    for slug, role, view, id in (
        ("goa", Role.DESTINATION_WORKER, "door.received_referrals", received),
        ("cbo-a", Role.CASE_MANAGER, "door.referral_states", referral),
    ):
        with wall.admin.transaction(force_rollback=True):
            wall.admin.execute(
                "update app.referrals set consent_id = %s, basis_id = %s where id = %s",
                (
                    *(ground if column == name else None for name in ("consent_id", "basis_id")),
                    referral,
                ),
            )
            theirs = wall.rows[f"app.{table}"]["cbo-b"]["hers"]
            insert(
                wall.admin,
                f"app.{table}",
                {**theirs, "id": ground, "recipient_id": wall.organisation(slug)},
            )
            if table == "consents":
                known = {name: theirs[name] for name in ("organisation_id", "survivor_id", "created_by")}
                insert(wall.admin, "app.consent_withdrawals", {**known, "consent_id": ground})
            member = wall.member(slug, role)
            with as_superuser(wall.admin, member.login, member.session):
                found = wall.admin.execute(f"select status from {view} where id = %s".encode(), (id,))
                assert found.fetchall() == [("ACCEPTED",)]

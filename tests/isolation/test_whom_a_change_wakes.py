"""For which referrals a change is noted: for those that it is about, and for none that is called the same elsewhere."""

from __future__ import annotations

from uuid import UUID

import pytest
from tests.support.people import named
from tests.support.wall import Connection, Wall, insert

ORGANISATIONS = CBO_A, CBO_B, GOA, DELHI, SECRETARIAT = [
    named("organisation", slug) for slug in ("cbo-a", "cbo-b", "goa", "delhi", "secretariat")
]
NAMES = dict(zip(ORGANISATIONS, ("cbo-a", "cbo-b", "goa", "delhi", "secretariat"), strict=True))
HERS, RECEIVED = named("cbo-a", "referrals", "hers"), named("cbo-a", "received", "hers")
CONSENT, BASIS = named("cbo-a", "consents", "hers"), named("cbo-a", "legal_bases", "hers")
# Each side knows a referral by an id of its own.
LABELS: dict[tuple[bool, UUID], str] = {
    (kind == "referrals", named(slug, kind, label)): f"{slug}'s {label}"
    for slug in ("cbo-a", "cbo-b")
    for kind in ("referrals", "received")
    for label in ("hers", "ours", "exchanged")
}
NOTED = (
    "select organisation_id, referral_id, case_id is not null from app.referral_changes"
    " where transaction = pg_current_xact_id()::text::bigint"
)
BOTH = {("cbo-a", "cbo-a's hers"), ("goa", "cbo-a's hers")}
WHERE_A = f"organisation_id = '{CBO_A}'"


@pytest.fixture
def beside_another(wall: Wall, admin: Connection) -> Connection:
    """A referral of cbo-a to Goa, and one of cbo-b to Delhi that has every id of it."""
    admin.execute("set local session_replication_role = replica")
    theirs = {
        **wall.rows["app.referrals"]["cbo-a"]["hers"],
        "organisation_id": CBO_B,
        "to_organisation_id": DELHI,
    }
    insert(admin, "app.referrals", theirs)
    for table in ("consents", "legal_bases"):
        insert(
            admin, f"app.{table}", {**wall.rows[f"app.{table}"]["cbo-a"]["hers"], "organisation_id": CBO_B}
        )
    admin.execute("set local session_replication_role = origin")
    return admin


def noted(admin: Connection, statement: str, *parameters: object) -> set[tuple[str, str]]:
    """Whom the statement is noted for, and about what: of all that is noted in this transaction, what it has added."""
    earlier = admin.execute(NOTED).fetchall()
    assert admin.execute(statement.encode(), parameters).rowcount > 0
    added = admin.execute(NOTED).fetchall()
    for row in earlier:
        added.remove(row)
    return {(NAMES[row[0]], LABELS[row[2], row[1]]) for row in added}


@pytest.mark.parametrize(
    "statement",
    [
        "insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)"
        f" select organisation_id, id, survivor_id, created_by from app.consents where id = '{CONSENT}' and {WHERE_A}",
        f"update app.referral_answers set id = id where referral_id = '{RECEIVED}'",
        f"update app.hearing_confirmations set has_coordinator = false where referral_id = '{HERS}'",
        f"update app.referrals set urgency = urgency where id = '{HERS}' and {WHERE_A}",
    ],
)
def test_what_is_done_about_one_referral_is_noted_for_its_two_sides(
    beside_another: Connection, statement: str
) -> None:
    assert noted(beside_another, statement) == BOTH


def test_a_day_in_court_is_noted_for_those_who_follow_the_case(beside_another: Connection) -> None:
    hers = f"update app.hearings set mode = mode where id = '{named('cbo-a', 'hearings', 'hers')}'"
    assert noted(beside_another, hers) == {("goa", "cbo-a's hers")}


@pytest.mark.parametrize(("one", "other"), [(CBO_A, GOA), (GOA, CBO_A)])
def test_an_agreement_is_noted_for_what_the_two_refer_to_each_other(
    beside_another: Connection, one: UUID, other: UUID
) -> None:
    signed = "update app.agreements set suspended_at = now() where (organisation_id, partner_id) = (%s, %s)"
    assert noted(beside_another, signed, one, other) == {
        *BOTH,
        ("cbo-a", "cbo-a's ours"),
        ("goa", "cbo-a's ours"),
    }


SUSPENDED = (
    "insert into app.partner_suspensions (organisation_id, id, partner_id, reason, created_by)"
    " values (%s, gen_random_uuid(), %s, 'CLOSED', gen_random_uuid())"
)


def test_a_partner_that_is_suspended_is_noted_for_what_it_sends_and_what_it_receives(
    beside_another: Connection,
) -> None:
    from_cbo_a = {*BOTH, ("cbo-a", "cbo-a's ours"), ("goa", "cbo-a's ours")}
    between = {
        (side, f"{sender}'s exchanged") for sender in ("cbo-a", "cbo-b") for side in ("cbo-a", "cbo-b")
    }
    assert noted(beside_another, SUSPENDED, SECRETARIAT, CBO_A) == from_cbo_a | between
    from_cbo_b = {(side, f"cbo-b's {label}") for side in ("cbo-b", "goa") for label in ("hers", "ours")}
    assert noted(beside_another, SUSPENDED, SECRETARIAT, GOA) == from_cbo_a | from_cbo_b


@pytest.mark.parametrize(
    ("change", "is_noted"), [("reason = 'COMPROMISED'", False), ("lifted_at = now()", True)]
)
def test_a_suspension_is_noted_again_when_it_is_lifted_and_not_before(
    admin: Connection, change: str, is_noted: bool
) -> None:
    admin.execute(SUSPENDED, (SECRETARIAT, CBO_A))
    changed = f"update app.partner_suspensions set {change} where partner_id = %s and lifted_at is null"
    assert bool(noted(admin, changed, CBO_A)) is is_noted


def test_a_basis_is_noted_when_it_opens_or_ends_and_not_when_somebody_has_looked_at_it(
    beside_another: Connection,
) -> None:
    stands_on_it = "update app.referrals set consent_id = null, basis_id = %s where id = %s"
    beside_another.execute("set local session_replication_role = replica")
    beside_another.execute(stands_on_it, (BASIS, HERS))
    beside_another.execute("set local session_replication_role = origin")
    looked_at = f"update app.legal_bases set scopes = scopes where id = '{BASIS}' and {WHERE_A}"
    assert not noted(beside_another, looked_at)
    ended = f"update app.legal_bases set ended_by = created_by, ended_at = now() where id = '{BASIS}' and {WHERE_A}"
    assert noted(beside_another, ended) == BOTH


def test_who_listens_hears_of_a_day_in_court(wall: Wall) -> None:
    with wall.connect_service("pat_service_listener") as listener:
        listener.execute("listen pat_changes")
        hers = named("cbo-a", "hearings", "hers")
        wall.admin.execute("update app.hearings set mode = mode where id = %s", (hers,))
        assert len(list(listener.notifies(timeout=5, stop_after=1))) == 1

"""What the database asks before a step (take_step, take_answer, take_hearing_step): its noun, her role, and nothing of anybody else."""

from __future__ import annotations

from itertools import product
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.isolation.test_hearing_steps import LINK, Days, S
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser, attempt, insert

from pat_auth.policy import Role

US, THEM = named("organisation", "cbo-a"), named("organisation", "goa")
HERS, RECEIVED = named("cbo-a", "referrals", "hers"), named("cbo-a", "received", "hers")
REFUSED = "23514"
SUSPENDS = f"update app.referrals set state = 'SUSPENDED' where id = '{HERS}'"
DRAFTS = f"update app.referrals set state = 'DRAFT' where id = '{HERS}'"


@pytest.fixture
def worker(wall: Wall, admin: Connection) -> Member:
    """She has not answered yet."""
    admin.execute("delete from app.referral_answers where referral_id = %s", (RECEIVED,))
    return wall.member("goa", Role.DESTINATION_WORKER)


def answers(who: Member, answer: str) -> str:
    return (
        "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, created_by)"
        f" values ('{THEM}', gen_random_uuid(), '{US}', '{RECEIVED}', '{answer}', '{who.person}')"
    )


def tried(admin: Connection, who: Member, statement: str) -> object:
    with as_superuser(admin, who.login, who.session), admin.transaction(force_rollback=True):
        return attempt(admin, statement)


def step(admin: Connection, noun: str, before: str, after: str, *roles: Role) -> None:
    """There is such a step for these roles."""
    admin.execute(
        "insert into app.transitions (noun, from_state, to_state, permission, roles) values (%s, %s, %s, '', %s)"
        " on conflict (noun, from_state, to_state) do update set roles = excluded.roles",
        (noun, before, after, list(roles)),
    )


def test_an_answer_is_a_step_of_a_referral_and_of_nothing_else(admin: Connection, worker: Member) -> None:
    assert tried(admin, worker, answers(worker, "COMPLETED")) == REFUSED
    step(admin, "hearing", "SENT", "COMPLETED", Role.DESTINATION_WORKER)
    assert tried(admin, worker, answers(worker, "COMPLETED")) == REFUSED
    step(admin, "referral", "SENT", "COMPLETED", Role.DESTINATION_WORKER)
    assert tried(admin, worker, answers(worker, "COMPLETED")) == [(1,)]


def test_an_answer_is_given_by_whose_role_may_give_it(wall: Wall, admin: Connection, worker: Member) -> None:
    head = wall.member("goa", Role.DESTINATION_ADMIN)
    step(admin, "referral", "SENT", "ACCEPTED", Role.DESTINATION_ADMIN)
    assert tried(admin, worker, answers(worker, "ACCEPTED")) == REFUSED
    assert tried(admin, head, answers(head, "ACCEPTED")) == [(1,)]


def test_a_referral_takes_steps_of_a_referral_and_no_other(wall: Wall, admin: Connection) -> None:
    manager = wall.member("cbo-a", Role.CASE_MANAGER)
    assert tried(admin, manager, DRAFTS) == REFUSED
    step(admin, "hearing", "ACCEPTED", "DRAFT", Role.CASE_MANAGER)
    assert tried(admin, manager, DRAFTS) == REFUSED
    step(admin, "referral", "ACCEPTED", "DRAFT", Role.CASE_MANAGER)
    assert tried(admin, manager, DRAFTS) == [(1,)]


def test_a_referral_is_led_by_whose_role_may_lead_it(wall: Wall, admin: Connection) -> None:
    manager = wall.member("cbo-a", Role.CASE_MANAGER)
    assert tried(admin, manager, SUSPENDS) == [(1,)]
    step(admin, "referral", "ACCEPTED", "SUSPENDED", Role.AUDITOR)
    assert tried(admin, manager, SUSPENDS) == REFUSED


def test_nobody_begins_a_referral_where_it_may_be_led_to(wall: Wall, admin: Connection) -> None:
    manager = wall.member("cbo-a", Role.CASE_MANAGER)
    row = {**wall.rows["app.referrals"]["cbo-a"]["ours"], "id": uuid4(), "received_id": uuid4()}
    begun: dict[str, str | None] = {}
    for state in ("DRAFT", "CONSENT_RECORDED", "SENT"):
        with as_superuser(admin, manager.login, manager.session):
            try:
                with admin.transaction(force_rollback=True):
                    insert(admin, "app.referrals", {**row, "created_by": manager.person, "state": state})
                begun[state] = None
            except psycopg.Error as refused:
                begun[state] = refused.diag.constraint_name
    assert begun == {"DRAFT": None, "CONSENT_RECORDED": "transition", "SENT": "transition"}


OURS = f"organisation_id = '{US}'"
CONSENT, BASIS = named("cbo-a", "consents", "hers"), named("cbo-a", "legal_bases", "hers")
SHUT, ENDED = "valid_until = now() - interval '1 minute'", "ended_by = created_by, ended_at = now()"
OVER = f"created_at = now() - interval '1 hour', {SHUT}"
NARROW = "scopes = '{RISK_SAFETY}'"


def referral(change: str) -> str:
    return f"update app.referrals set {change} where id = '{HERS}'"


def consent(change: str) -> str:
    return f"update app.consents set {change} where id = '{CONSENT}' and {OURS}"


def basis(change: str) -> str:
    """It stands on it, and not on a consent."""
    on_it = referral(f"consent_id = null, basis_id = '{BASIS}'")
    return f"{on_it}; update app.legal_bases set {change} where id = '{BASIS}' and {OURS}"


def agreement(change: str) -> str:
    return f"update app.agreements set {change} where {OURS} and partner_id = '{THEM}'"


WITHDRAWN = (
    "insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)"
    f" select organisation_id, id, survivor_id, created_by from app.consents where id = '{CONSENT}' and"
)
THEIRS = f"organisation_id = '{named('organisation', 'cbo-b')}'"
WITHOUT_A_FENCE = ";".join(
    f"alter table app.{table} disable row level security"
    for table in ("consents", "consent_withdrawals", "legal_bases")
)
VITAL = "kind = 'VITAL_INTEREST', reference = null, scopes = '{RISK_SAFETY}', valid_until = now() + interval '1 day'"
APPROVED = "approved_by = gen_random_uuid(), approved_at = now()"
AT_RISK = referral(NARROW)

# What is done before it is sent, and whether it then is.
SENT: dict[str, tuple[str, bool]] = {
    "nothing": ("select", True),
    "nothing is shared": (referral("scopes = '{}'"), False),
    "its end has come": (referral("agreed_until = now() - interval '1 minute'"), False),
    "it stands on nothing": (referral("consent_id = null"), False),
    "the consent is over": (consent(SHUT), False),
    "the consent is over, and another's of the same id is not": (
        f"{consent(SHUT)}; {WITHOUT_A_FENCE}",
        False,
    ),
    "the consent is to less": (consent(NARROW), False),
    "the consent is withdrawn": (f"{WITHDRAWN} {OURS}", False),
    "another's of the same id is withdrawn": (f"{WITHDRAWN} {THEIRS}; {WITHOUT_A_FENCE}", True),
    "a basis": (basis("review = null"), True),
    "the basis is over": (basis(OVER), False),
    "the basis is over, and another's of the same id is not": (
        f"{basis(OVER)}; {WITHOUT_A_FENCE}",
        False,
    ),
    "the basis has ended": (basis(ENDED), False),
    "the basis is for less": (basis(NARROW), False),
    "a vital interest": (f"{AT_RISK}; {basis(f'{VITAL}, {APPROVED}')}", True),
    "a vital interest that nobody approved": (f"{AT_RISK}; {basis(VITAL)}", False),
    "the agreement is over": (agreement(SHUT), False),
    "the agreement is on less": (agreement(NARROW), False),
}


@pytest.fixture
def to_be_sent(wall: Wall, admin: Connection) -> Connection:
    """``hers`` before it is sent, beside a consent and a basis of cbo-b that are called the same, and others of cbo-a's own."""
    admin.execute("update app.referrals set state = 'CONSENT_RECORDED' where id = %s", (HERS,))
    for table, id in (("consents", CONSENT), ("legal_bases", BASIS)):
        insert(admin, f"app.{table}", {**wall.rows[f"app.{table}"]["cbo-b"]["hers"], "id": id})
        insert(admin, f"app.{table}", {**wall.rows[f"app.{table}"]["cbo-a"]["hers"], "id": uuid4()})
    return admin


@pytest.mark.parametrize("done", SENT)
def test_a_referral_is_sent_when_all_that_it_stands_on_holds(
    wall: Wall, to_be_sent: Connection, done: str
) -> None:
    manager = wall.member("cbo-a", Role.CASE_MANAGER)
    statement, is_sent = SENT[done]
    to_be_sent.execute(statement.encode())
    refused = None
    with as_superuser(to_be_sent, manager.login, manager.session):
        try:
            with to_be_sent.transaction(force_rollback=True):
                assert to_be_sent.execute(referral("state = 'SENT'").encode()).rowcount == 1
        except psycopg.Error as error:
            refused = error.diag.constraint_name
    assert refused == (None if is_sent else "transition")


SIDES = (
    ("app.hearings", "hearing", "cbo-a", Role.CASE_MANAGER),
    ("app.referral_hearings", "referral_hearing", "goa", Role.DESTINATION_WORKER),
)


@pytest.mark.parametrize(("table", "noun", "slug", "role"), SIDES)
def test_a_day_takes_steps_of_its_own_side_for_whose_role_may_take_them(
    wall: Wall, admin: Connection, table: str, noun: str, slug: str, role: Role
) -> None:
    days = Days(wall, table, wall.member(slug, role))
    id = days.put(S.READY, **LINK)
    assert days.move(id, S.SCHEDULED) == "transition"
    for other in {"referral", "hearing", "referral_hearing"} - {noun}:
        admin.execute("delete from app.transitions where noun = %s", (other,))
        step(admin, other, "READY", "SCHEDULED", role)
    assert days.move(id, S.SCHEDULED) == "transition"
    step(admin, noun, "READY", "SCHEDULED", Role.AUDITOR)
    assert days.move(id, S.SCHEDULED) == "transition"
    step(admin, noun, "READY", "SCHEDULED", role)
    assert days.move(id, S.SCHEDULED) is None


@pytest.mark.parametrize(("table", "noun", "slug", "role"), SIDES)
def test_what_else_is_written_about_a_day_is_no_step(
    wall: Wall, admin: Connection, table: str, noun: str, slug: str, role: Role
) -> None:
    days = Days(wall, table, wall.member(slug, role))
    assert days.move(days.put(S.SCHEDULED), S.SCHEDULED, court_point="Sessions Court, Margao") is None


@pytest.mark.parametrize(
    ("slug", "role", "table", "statement"),
    [
        ("cbo-a", Role.CASE_MANAGER, "app.referrals", SUSPENDS),
        ("goa", Role.DESTINATION_WORKER, "app.referral_answers", "an answer"),
        ("cbo-a", Role.CASE_MANAGER, "app.hearings", "a day"),
        ("goa", Role.DESTINATION_WORKER, "app.referral_hearings", "a day"),
    ],
)
def test_it_is_asked_who_signed_in_and_not_as_whom_a_function_of_hers_runs(
    wall: Wall, admin: Connection, slug: str, role: Role, table: str, statement: str
) -> None:
    """Her role alone has no login's name; what runs as it is still hers."""
    who = wall.member(slug, role)
    if statement == "an answer":
        admin.execute("delete from app.referral_answers where referral_id = %s", (RECEIVED,))
        statement = answers(who, "ACCEPTED")
    if statement == "a day":
        id = Days(wall, table, who).put(S.SCHEDULED)
        statement = f"update {table} set state = 'CANCELLED', updated_by = '{who.person}' where id = '{id}'"
    admin.execute(
        f"create function app.careless() returns int language sql security definer as $${statement} returning 1$$".encode()
    )
    admin.execute(f"alter function app.careless() owner to pat_{role}".encode())
    assert tried(admin, who, "select app.careless()") == [(1,)]


def test_whether_she_is_a_child_is_asked_of_herself(wall: Wall, admin: Connection) -> None:
    """With no other wall between two organisations' survivors of the same id, whichever of them comes first."""
    days = Days(wall, "app.hearings", wall.member("cbo-a", Role.CASE_MANAGER))
    id = days.put(S.VC_CONFIRMED, **{**LINK, "support_person": None})
    survivor = named("cbo-a", "survivors", "hers")
    admin.execute("alter table app.survivors disable row level security")
    insert(
        admin,
        "app.survivors",
        {**wall.rows["app.survivors"]["cbo-b"]["hers"], "id": survivor, "code": "another"},
    )
    organisations = {slug: wall.organisation(slug) for slug in ("cbo-a", "cbo-b")}
    for is_child, later in product((True, False), organisations):
        for slug in sorted(organisations, key=lambda slug: slug == later):
            admin.execute(
                "update app.survivors set birth_year = null, is_minor_at_intake = %s where organisation_id = %s and id = %s",
                (is_child is (slug == "cbo-a"), organisations[slug], survivor),
            )
        assert days.move(id, S.READY) == ("transition" if is_child else None), (is_child, later)


def test_whether_she_is_a_child_is_told_under_the_referral_that_the_day_is_of(
    wall: Wall, admin: Connection
) -> None:
    """Whichever of those that are shared comes first."""
    days = Days(wall, "app.referral_hearings", wall.member("goa", Role.DESTINATION_WORKER))
    id = days.put(S.VC_CONFIRMED, **{**LINK, "support_person": None})
    about = {"consent_id": "consents", "case_id": "cases", "survivor_id": "survivors"}
    hers, ours = (
        {name: named("cbo-a", table, label) for name, table in about.items()} for label in ("hers", "ours")
    )
    accepted = wall.rows["app.referral_answers"]["goa"]["cbo-a"]
    for other in (UUID(int=1), UUID(int=2**128 - 1)):
        row = {**wall.rows["app.referrals"]["cbo-a"]["hers"], **ours, "id": other, "received_id": other}
        insert(admin, "app.referrals", row)
        insert(admin, "app.referral_answers", {**accepted, "id": other, "referral_id": other})
    # It comes last now, in the table and in its indexes.
    admin.execute(referral("agreed_until = agreed_until + interval '1 second'").encode())
    for is_child in (True, False):
        for survivor, says in ((hers["survivor_id"], is_child), (ours["survivor_id"], not is_child)):
            admin.execute(
                "update app.survivors set birth_year = null, is_minor_at_intake = %s where id = %s",
                (says, survivor),
            )
        assert days.move(id, S.READY) == ("transition" if is_child else None)

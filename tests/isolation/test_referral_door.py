"""The door of referrals as a truth table: every state, answer, agreement and scope, to either receiver, under colliding ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
from tests.isolation.lines import IS_A_CHILD, LINES, OTHER, RISK, STAGE, Line, array, put_lines, read
from tests.support.people import named
from tests.support.wall import Connection, Wall, as_superuser, attempt, careless_view

from pat_auth.policy import Role
from pat_tenants.isolation.doors import REFERRAL

DOOR = REFERRAL.owner


@pytest.fixture(scope="module")
def all_lines(wall: Wall) -> Iterator[None]:
    """Put in once, inside a transaction that stays open for all tests of this file."""
    with wall.admin.transaction(force_rollback=True):
        put_lines(wall)
        yield


@pytest.fixture
def lines(wall: Wall, all_lines: None) -> Iterator[None]:
    with wall.admin.transaction(force_rollback=True):
        yield


RECEIVERS = [(slug, role) for slug in OTHER for role in (Role.DESTINATION_WORKER, Role.DESTINATION_ADMIN)]


@pytest.mark.parametrize(("slug", "role"), RECEIVERS)
@pytest.mark.usefixtures("lines")
def test_a_receiver_sees_what_was_sent_to_it_and_what_is_open(wall: Wall, slug: str, role: Role) -> None:
    mine = [line for line in LINES if line.to == slug and line.is_sent]
    stubs = (
        "select from_organisation_id, id, status, from_organisation_name, from_state, scopes::text, ground"
        " from door.received_referrals"
    )
    assert read(wall, slug, role, stubs) == Counter(
        (
            wall.organisation(line.slug),
            line.received,
            line.status,
            line.slug.upper() if line.is_open else None,
            "West Bengal" if line.is_open else None,
            array(line.scopes if line.is_open else ()),
            "CONSENT" if line.is_open else None,
        )
        for line in mine
    )
    proceedings = "select referral_id, stage from door.received_proceedings"
    assert read(wall, slug, role, proceedings) == Counter(
        (line.received, STAGE[line.slug]) for line in mine if line.is_open and "LEGAL_STATUS" in line.scopes
    )
    hearings = "select referral_id, mode from door.received_hearings"
    assert read(wall, slug, role, hearings) == Counter(
        (line.received, "VIDEO") for line in mine if line.is_open and "HEARING_SCHEDULE" in line.scopes
    )


def case_rows(lines: list[Line]) -> dict[str, Counter[tuple[object, ...]]]:
    """What the views of a case show of these lines: one row for each that is open, and shares what the view is about."""
    found: dict[str, Counter[tuple[object, ...]]] = {}
    for statement, scope, value in (
        ("received_support", "HEARING_SCHEDULE", lambda line: IS_A_CHILD[line.slug]),
        ("received_cases", None, lambda line: RISK[line.slug] if "RISK_SAFETY" in line.scopes else None),
        ("received_identities", "IDENTITY_MINIMAL", lambda line: line.slug),
        ("received_contacts", "CONTACT_SAFE", lambda line: line.slug),
    ):
        found[statement] = Counter(
            (line.received, value(line))
            for line in lines
            if line.is_open and (scope is None or scope in line.scopes)
        )
    return found


SHOWN_OF_A_CASE = {
    "received_support": "needs_support",
    "received_cases": "risk_level",
    "received_identities": "convert_from(first_name, 'utf8')",
    "received_contacts": "convert_from(phone, 'utf8')",
}


def seen_of_cases(wall: Wall, slug: str, role: Role) -> dict[str, Counter[tuple[object, ...]]]:
    return {
        view: read(wall, slug, role, f"select referral_id, {shown} from door.{view}")
        for view, shown in SHOWN_OF_A_CASE.items()
    }


@pytest.mark.parametrize(("slug", "role"), RECEIVERS)
@pytest.mark.usefixtures("lines")
def test_a_receiver_sees_of_a_case_what_is_shared_scope_by_scope(wall: Wall, slug: str, role: Role) -> None:
    assert seen_of_cases(wall, slug, role) == case_rows([line for line in LINES if line.to == slug])


@pytest.mark.usefixtures("lines")
def test_a_case_has_a_name_for_each_survivor_and_each_receiver(wall: Wall) -> None:
    names = {
        slug: {
            name
            for (name,) in read(
                wall, slug, Role.DESTINATION_WORKER, "select pseudonym from door.received_cases"
            )
        }
        for slug in OTHER
    }
    assert [len(each) for each in names.values()] == [1, 1]
    assert not names["goa"] & names["delhi"]


@pytest.mark.parametrize("slug", ["cbo-a", "cbo-b"])
@pytest.mark.usefixtures("lines")
def test_a_sender_sees_what_became_of_its_own(wall: Wall, slug: str) -> None:
    mine = [line for line in LINES if line.slug == slug]
    states = "select organisation_id, id, received_id, status from door.referral_states"
    assert read(wall, slug, Role.CASE_MANAGER, states) == Counter(
        (wall.organisation(slug), line.id, line.received, line.status) for line in mine
    )
    answers = "select referral_id, answer from door.sent_answers"
    assert read(wall, slug, Role.CASE_MANAGER, answers) == Counter(
        (line.received, answer) for line in mine for answer in line.true_answers
    )


@pytest.mark.parametrize(
    ("slug", "role", "step"),
    [
        ("goa", Role.DESTINATION_WORKER, 1),
        ("delhi", Role.DESTINATION_WORKER, 1),
        # The same conditions again: a seventh of the lines has every state and answer.
        ("goa", Role.DESTINATION_ADMIN, 7),
    ],
)
@pytest.mark.usefixtures("lines")
def test_a_receiver_writes_about_what_is_open_to_it_and_nothing_else(
    wall: Wall, slug: str, role: Role, step: int
) -> None:
    worker = wall.member(slug, role)
    with as_superuser(wall.admin, worker.login, worker.session):
        for line in LINES[::step]:
            may_answer = line.to == slug and line.status in ("SENT", "ACCEPTED", "IN_PROGRESS")
            may_report = line.to == slug and line.is_open and "HEARING_SCHEDULE" in line.scopes
            known = (worker.organisation, wall.organisation(line.slug), line.received, worker.person)
            # An answer that nobody has given yet: no key stands in the way.
            fresh = "DECLINED" if "DECLINED" not in line.answers else "COMPLETED"
            answered = _would(wall.admin, "referral_answers", f"'{fresh}'", "answer", known)
            assert (answered == "42501") is (not may_answer), line
            reported = _would(
                wall.admin, "referral_hearings", "'2026-12-24', 'VIDEO'", "held_on, mode", known
            )
            assert (reported == "42501") is (not may_report), line


def _would(connection: Connection, table: str, values: str, columns: str, known: tuple[UUID, ...]) -> object:
    """What inserting gives; it is undone, so that the line stays what it is."""
    with connection.transaction(force_rollback=True):
        return attempt(
            connection,
            f"insert into app.{table} (organisation_id, id, referral_organisation_id, referral_id, created_by, {columns})"
            f" values (%s, gen_random_uuid(), %s, %s, %s, {values})",
            known,
        )


# Two layers, each of which holds when the other one is gone: what the door's owner may read, and what its views show.


def through_a_careless_view(
    wall: Wall, slug: str, role: Role, table: str, columns: str
) -> set[tuple[object, ...]]:
    """What the owner's policies alone let through: the view has no condition of its own."""
    with wall.admin.transaction(force_rollback=True):
        careless_view(wall, DOOR, table)
        return set(read(wall, slug, role, f"select {columns} from door.careless"))


@pytest.mark.usefixtures("lines")
def test_the_doors_owner_reads_of_referrals_what_was_sent_to_the_caller_and_what_the_caller_sent(
    wall: Wall,
) -> None:
    for slug in OTHER:
        assert through_a_careless_view(
            wall, slug, Role.DESTINATION_WORKER, "app.referrals", "organisation_id, id"
        ) == {(wall.organisation(line.slug), line.id) for line in LINES if line.to == slug and line.is_sent}
    for slug in ("cbo-a", "cbo-b"):
        assert through_a_careless_view(
            wall, slug, Role.CASE_MANAGER, "app.referrals", "organisation_id, id"
        ) == {(wall.organisation(line.slug), line.id) for line in LINES if line.slug == slug}


@pytest.mark.parametrize("table", ["app.legal_proceedings", "app.hearings"])
@pytest.mark.usefixtures("lines")
def test_the_doors_owner_reads_of_cases_those_that_were_referred_to_the_caller(
    wall: Wall, table: str
) -> None:
    case, cbo_a, cbo_b = named("case of lines"), wall.organisation("cbo-a"), wall.organisation("cbo-b")

    def seen(slug: str, role: Role) -> set[tuple[object, ...]]:
        return through_a_careless_view(wall, slug, role, table, "organisation_id, case_id")

    assert seen("goa", Role.DESTINATION_WORKER) == {(cbo_a, case), (cbo_b, case)}
    assert seen("cbo-a", Role.CASE_MANAGER) == set()
    # The case of cbo-b has the same id, but nobody refers it to Goa any longer.
    wall.admin.execute("delete from app.referral_answers where referral_organisation_id = %s", (cbo_b,))
    wall.admin.execute("delete from app.referrals where organisation_id = %s", (cbo_b,))
    assert seen("goa", Role.DESTINATION_WORKER) == {(cbo_a, case)}
    wall.admin.execute("update app.referrals set state = 'DRAFT'")
    assert seen("goa", Role.DESTINATION_WORKER) == set()


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("app.cases", "organisation_id, id"),
        ("app.survivors", "organisation_id, id"),
        ("app.survivor_keys", "organisation_id, survivor_id"),
        ("app.survivor_identities", "organisation_id, survivor_id"),
    ],
)
@pytest.mark.usefixtures("lines")
def test_the_doors_owner_reads_of_survivors_those_whose_case_was_referred_to_the_caller(
    wall: Wall, table: str, columns: str
) -> None:
    hers = named("case of lines") if table == "app.cases" else named("survivor of lines")
    cbo_a, cbo_b = wall.organisation("cbo-a"), wall.organisation("cbo-b")

    def seen(slug: str, role: Role) -> set[tuple[object, ...]]:
        return through_a_careless_view(wall, slug, role, table, columns)

    assert seen("goa", Role.DESTINATION_WORKER) == {(cbo_a, hers), (cbo_b, hers)}
    assert seen("cbo-a", Role.CASE_MANAGER) == set()
    wall.admin.execute("delete from app.referral_answers where referral_organisation_id = %s", (cbo_b,))
    wall.admin.execute("delete from app.referrals where organisation_id = %s", (cbo_b,))
    assert seen("goa", Role.DESTINATION_WORKER) == {(cbo_a, hers)}
    # Who she is, is opened only where a referral shares it.
    wall.admin.execute("update app.referrals set scopes = array['LEGAL_STATUS', 'IDENTITY_FULL']")
    is_about_who = table in ("app.survivor_keys", "app.survivor_identities")
    assert seen("goa", Role.DESTINATION_WORKER) == (set() if is_about_who else {(cbo_a, hers)})
    wall.admin.execute("update app.referrals set scopes = array['IDENTITY_MINIMAL'], state = 'DRAFT'")
    assert seen("goa", Role.DESTINATION_WORKER) == set()


@pytest.mark.usefixtures("lines")
def test_the_doors_owner_reads_of_answers_and_hearings_the_callers_own_and_those_about_its_referrals(
    wall: Wall,
) -> None:
    put_hearings(wall)
    put_updates(wall)
    mine = "organisation_id, referral_organisation_id"
    goa, delhi = wall.organisation("goa"), wall.organisation("delhi")
    for slug in ("cbo-a", "cbo-b"):
        sender = wall.organisation(slug)
        for table in ("app.referral_answers", "app.referral_hearings", "app.referral_updates"):
            assert through_a_careless_view(wall, slug, Role.CASE_MANAGER, table, mine) == {
                (goa, sender),
                (delhi, sender),
            }
    answers = through_a_careless_view(wall, "goa", Role.DESTINATION_WORKER, "app.referral_answers", mine)
    assert {organisation for organisation, _ in answers} == {goa}
    for table in ("app.referral_hearings", "app.referral_updates"):
        assert through_a_careless_view(wall, "goa", Role.DESTINATION_WORKER, table, mine) == set()


def put_hearings(wall: Wall) -> None:
    """Two hearings about every referral: one of its receiver, and one of an organisation that has nothing to do with it."""
    for slug in OTHER:
        wall.admin.execute(
            "insert into app.referral_hearings (organisation_id, id, referral_organisation_id, referral_id, held_on, mode, purpose,"
            " created_by) select %s, gen_random_uuid(), organisation_id, received_id, '2026-12-24', 'VIDEO',"
            " case to_organisation_id when %s then 'EVIDENCE' else 'OTHER' end, created_by from app.referrals",
            (wall.organisation(slug), wall.organisation(slug)),
        )


def put_updates(wall: Wall) -> None:
    """The same of what has been done."""
    for slug in OTHER:
        wall.admin.execute(
            "insert into app.referral_updates (organisation_id, id, referral_organisation_id, referral_id, happened_on, kind,"
            " created_by) select %s, gen_random_uuid(), organisation_id, received_id, '2026-01-24',"
            " case to_organisation_id when %s then 'TRACED' else 'RETURNED' end, created_by from app.referrals",
            (wall.organisation(slug), wall.organisation(slug)),
        )


@pytest.mark.parametrize("slug", ["cbo-a", "cbo-b"])
@pytest.mark.usefixtures("lines")
def test_a_sender_sees_what_the_receivers_of_its_referrals_have_done(wall: Wall, slug: str) -> None:
    put_updates(wall)
    seen = read(
        wall,
        slug,
        Role.CASE_MANAGER,
        "select referral_organisation_id, referral_id, kind from door.sent_updates",
    )
    assert seen == Counter(
        (wall.organisation(slug), line.received, "TRACED") for line in LINES if line.slug == slug
    )


@pytest.mark.parametrize("slug", ["cbo-a", "cbo-b"])
@pytest.mark.usefixtures("lines")
def test_a_sender_sees_the_hearings_that_the_receivers_of_its_referrals_report(wall: Wall, slug: str) -> None:
    put_hearings(wall)
    seen = read(wall, slug, Role.CASE_MANAGER, "select referral_id, purpose from door.sent_hearings")
    assert seen == Counter((line.received, "EVIDENCE") for line in LINES if line.slug == slug)


@pytest.mark.usefixtures("lines")
def test_the_views_hold_when_their_owner_may_read_everything(wall: Wall) -> None:
    """All but one thing: that a draft is not sent yet is the owner's policy alone."""
    put_hearings(wall)
    put_updates(wall)
    for opening in REFERRAL.openings:
        wall.admin.execute(f"alter policy {DOOR} on {opening.table} using (true)".encode())
    for slug in OTHER:
        mine = [line for line in LINES if line.to == slug]
        seen = read(
            wall,
            slug,
            Role.DESTINATION_WORKER,
            "select from_organisation_id, id, status from door.received_referrals",
        )
        assert seen == Counter((wall.organisation(line.slug), line.received, line.status) for line in mine)
        seen = read(
            wall, slug, Role.DESTINATION_WORKER, "select referral_id, stage from door.received_proceedings"
        )
        assert seen == Counter(
            (line.received, STAGE[line.slug])
            for line in mine
            if line.is_open and "LEGAL_STATUS" in line.scopes
        )
        assert seen_of_cases(wall, slug, Role.DESTINATION_WORKER) == case_rows(mine)
        seen = read(
            wall, slug, Role.DESTINATION_WORKER, "select referral_id, held_on from door.received_hearings"
        )
        assert set(seen.values()) == {1}
        assert {row[0] for row in seen} == {
            line.received for line in mine if line.is_open and "HEARING_SCHEDULE" in line.scopes
        }
    for slug in ("cbo-a", "cbo-b"):
        sent = [line for line in LINES if line.slug == slug]
        seen = read(
            wall, slug, Role.CASE_MANAGER, "select organisation_id, id, status from door.referral_states"
        )
        assert seen == Counter((wall.organisation(slug), line.id, line.status) for line in sent)
        seen = read(wall, slug, Role.CASE_MANAGER, "select referral_id, answer from door.sent_answers")
        assert seen == Counter((line.received, answer) for line in sent for answer in line.true_answers)
        seen = read(wall, slug, Role.CASE_MANAGER, "select referral_id, purpose from door.sent_hearings")
        assert seen == Counter((line.received, "EVIDENCE") for line in sent)
        seen = read(wall, slug, Role.CASE_MANAGER, "select referral_id, kind from door.sent_updates")
        assert seen == Counter((line.received, "TRACED") for line in sent)

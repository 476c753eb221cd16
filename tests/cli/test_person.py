"""Who comes and goes, from the command line."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.cli.conftest import Pat, rows
from tests.isolation.test_alerts import put_alert
from tests.support.wall import Wall

from pat_auth.policy import Role
from pat_server import people_registry
from pat_server.commands.person import _to_do
from pat_server.people_registry import Left, LeftOpen, Membership, left_open

EMAIL = "asha@cbo-a.example"
INVITE = ["person", "invite", EMAIL, "--organisation", "cbo-a", "--role", "counsellor", "--name", "Asha"]
LINK = re.compile(r"http://127\.0\.0\.1:8000/invitation\?token=([A-Za-z0-9_-]{43})\n")


def add(pat: Pat, slug: str, kind: str) -> None:
    done = pat("organisation", "add", slug, "--name", slug, "--kind", kind, "--state", "West Bengal")
    assert done.exit_code == 0, done.output


@pytest.fixture
def network(own: Pat) -> Pat:
    add(own, "cbo-a", "cbo")
    add(own, "secretariat", "secretariat")
    return own


def invited(pat: Pat, *arguments: str) -> bytes:
    """What the database keeps of the link."""
    done = pat(*(arguments or INVITE))
    assert done.exit_code == 0, done.output
    link = LINK.fullmatch(done.stdout)
    assert link, done.stdout
    return sha256(link[1].encode()).digest()


def organisation(url: str, slug: str) -> UUID:
    ((found,),) = rows(url, "select id from app.organisations where slug = %s", slug)
    assert isinstance(found, UUID)
    return found


def put_member(url: str, slug: str, role: str, email: str = EMAIL) -> tuple[UUID, UUID]:
    """Somebody who has taken up an invitation: her person and her membership."""
    person, membership = uuid4(), uuid4()
    rows(url, "insert into sec.people (id, email) values (%s, %s)", person, email)
    rows(
        url,
        "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, %s, 'Asha')",
        *(organisation(url, slug), membership, person, role),
    )
    return person, membership


def put_session(url: str, slug: str, role: str, person: UUID, membership: UUID) -> UUID:
    session, home = uuid4(), organisation(url, slug)
    rows(
        url,
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, 'tests', now() + interval '1 hour')",
        *(session, f"org_{home.hex}_{role}", home, membership, person),
    )
    return session


def events(url: str, slug: str) -> list[tuple[object, ...]]:
    return rows(
        url,
        "select action, actor, subjects, detail::json from trail.events where organisation_id = %s order by number",
        organisation(url, slug),
    )


def test_somebody_is_invited_by_a_link_that_only_the_operator_sees(network: Pat, migrated: str) -> None:
    token = invited(network)
    ((invitation, kept, email, name, role, days),) = rows(
        migrated,
        "select id, token_hash, email, name, role, round(extract(epoch from expires_at - now()) / 86400)"
        " from app.invitations",
    )
    assert (kept, email, name, role, days) == (token, EMAIL, "Asha", "counsellor", 7)
    detail = {"role": "counsellor", "withdrawn": 0}
    assert events(migrated, "cbo-a") == [("member.invited", None, [invitation], detail)]
    assert "intact" in network("audit", "verify").output
    assert rows(migrated, "select 1 from sec.people") == []


def test_letters_of_either_case_are_one_address(network: Pat, migrated: str) -> None:
    invited(network, "person", "invite", f" {EMAIL.upper()} ", *INVITE[3:])
    assert rows(migrated, "select email from app.invitations") == [(EMAIL,)]


def test_of_two_invitations_into_one_role_the_newer_counts(network: Pat, migrated: str) -> None:
    first = invited(network)
    other_role = invited(network, *INVITE[:6], "legal_aid", *INVITE[7:])
    second = invited(network, *INVITE, "--days", "1")
    standing = rows(migrated, "select token_hash from app.invitations where withdrawn_at is null")
    assert set(standing) == {(other_role,), (second,)}
    assert first != second


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["person", "invite", "asha", *INVITE[3:]], "not an e-mail address"),
        (["person", "invite", "a@b@c", *INVITE[3:]], "not an e-mail address"),
        (["person", "invite", f"{'a' * 250}@b.example", *INVITE[3:]], "not an e-mail address"),
        (["person", "invite", "ásha@b.example", *INVITE[3:]], "not an e-mail address"),
        ([*INVITE[:8], " "], "The name is empty"),
        ([*INVITE[:8], "a" * 121], "longer than 120"),
        ([*INVITE[:4], "cbo-z", *INVITE[5:]], "no organisation cbo-z"),
        ([*INVITE[:6], "auditor", *INVITE[7:]], "This organisation has no such role"),
    ],
)
def test_who_cannot_be_invited_is_not(network: Pat, migrated: str, arguments: list[str], said: str) -> None:
    done = network(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr
    assert rows(migrated, "select 1 from app.invitations") == []
    assert events(migrated, "cbo-a") == []


@pytest.mark.parametrize("role", ["survivor", "service", "nobody"])
def test_nobody_is_invited_to_be_a_survivor_or_a_machine(network: Pat, role: str) -> None:
    assert network(*INVITE[:6], role, *INVITE[7:]).exit_code == 2


def test_a_member_is_not_invited_into_her_own_role(network: Pat, migrated: str) -> None:
    _, membership = put_member(migrated, "cbo-a", "counsellor")
    done = network(*INVITE)
    assert done.exit_code == 1
    assert "has this role here already" in done.stderr
    rows(migrated, "update app.memberships set ended_at = now() where id = %s", membership)
    invited(network)


def test_whoever_is_disabled_is_in_nowhere(network: Pat, migrated: str) -> None:
    add(network, "cbo-b", "cbo")
    person, membership = put_member(migrated, "cbo-a", "counsellor")
    session = put_session(migrated, "cbo-a", "counsellor", person, membership)
    other_person, other_membership = put_member(migrated, "cbo-a", "legal_aid", "other@cbo-a.example")
    others = put_session(migrated, "cbo-a", "legal_aid", other_person, other_membership)
    rows(
        migrated,
        "insert into sec.browsers (id, secret_hash, person_id, expires_at) values (%s, 'secret', %s, now() + interval '1 hour')",
        *(uuid4(), person),
    )
    invited(network, *INVITE[:4], "cbo-b", *INVITE[5:])
    done = network("person", "disable", EMAIL.upper())
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "Ended: 1 session, 1 browser, 1 membership, 1 invitation.",
        "They have left nothing open.",
    ]
    ended = "select count(*) from {} where {} is null"
    assert rows(migrated, ended.format("sec.browsers", "ended_at")) == [(0,)]
    assert rows(migrated, ended.format("app.invitations", "withdrawn_at")) == [(0,)]
    assert rows(migrated, "select id from sec.sessions where revoked_at is null") == [(others,)]
    assert rows(migrated, "select revoked_because from sec.sessions where id = %s", session) == [
        ("person disabled",)
    ]
    assert rows(migrated, "select id from app.memberships where ended_at is null") == [(other_membership,)]
    assert rows(migrated, "select email from sec.people where disabled_at is null") == [
        ("other@cbo-a.example",)
    ]
    hers = ("person.disabled", None, [person, membership], {"invitations": 0, "memberships": 1})
    assert events(migrated, "cbo-a")[-1] == hers
    assert events(migrated, "cbo-b")[-1] == (
        "person.disabled",
        None,
        [person],
        {"invitations": 1, "memberships": 0},
    )
    assert "intact" in network("audit", "verify").output


def test_what_she_had_open_is_reported_for_others_to_see_to(network: Pat, migrated: str) -> None:
    person, _ = put_member(migrated, "cbo-a", "organisation_admin")
    home = organisation(migrated, "cbo-a")
    client = "insert into app.clients (organisation_id, name, kind, scopes, created_by, updated_by) values"
    rows(migrated, f"{client} (%s, 'Case book', 'PUBLIC', '{{}}', %s, %s)", home, person, person)
    rows(migrated, f"{client} (%s, 'Not hers', 'PUBLIC', '{{}}', %s, %s)", home, uuid4(), person)
    done = network("person", "disable", EMAIL)
    assert done.stdout.splitlines()[1:] == [
        "cbo-a: they registered the program Case book: renew its key, or disable it."
    ]


def test_a_session_that_opens_at_that_moment_is_waited_for_and_ends(network: Pat, migrated: str) -> None:
    person, membership = put_member(migrated, "cbo-a", "counsellor")
    session, home = uuid4(), organisation(migrated, "cbo-a")

    def disable() -> None:
        with psycopg.connect(migrated) as connection:
            people_registry.disable(connection, EMAIL)

    with ThreadPoolExecutor(1) as threads:
        with psycopg.connect(migrated) as opening:
            # As `sec.open_session` does.
            opening.execute(
                "select from sec.people where id = %s and disabled_at is null for share", (person,)
            )
            disabling = threads.submit(disable)
            while not rows(migrated, "select 1 from pg_locks where not granted"):
                assert not disabling.done()
            opening.execute(
                "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
                " values (%s, %s, %s, %s, %s, 'tests', now() + interval '1 hour')",
                (session, f"org_{home.hex}_counsellor", home, membership, person),
            )
        disabling.result(timeout=10)
    assert rows(migrated, "select id from sec.sessions where revoked_at is not null") == [(session,)]


def test_whoever_is_only_invited_is_invited_no_more(network: Pat, migrated: str) -> None:
    add(network, "cbo-b", "cbo")
    invited(network)
    invited(network, *INVITE[:4], "cbo-b", *INVITE[5:])
    done = network("person", "disable", EMAIL.upper())
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "Ended: 0 sessions, 0 browsers, 0 memberships, 2 invitations.",
        "They have left nothing open.",
    ]
    assert rows(migrated, "select 1 from app.invitations where withdrawn_at is null") == []
    for slug in ("cbo-a", "cbo-b"):
        home = organisation(migrated, slug)
        ((invitation,),) = rows(migrated, "select id from app.invitations where organisation_id = %s", home)
        assert events(migrated, slug)[-1] == ("invitation.withdrawn", None, [invitation], {})
    assert network("person", "disable", EMAIL).exit_code == 1


def test_whoever_was_disabled_before_and_is_invited_since_is_invited_no_more(
    network: Pat, migrated: str
) -> None:
    put_member(migrated, "cbo-a", "counsellor")
    network("person", "disable", EMAIL)
    rows(
        migrated,
        "insert into app.invitations (organisation_id, email, name, role, token_hash, expires_at, created_by)"
        " values (%s, %s, 'Asha', 'legal_aid', 'x', now() + interval '1 day', %s)",
        *(organisation(migrated, "cbo-a"), EMAIL, uuid4()),
    )
    assert "1 invitation." in network("person", "disable", EMAIL).stdout


def test_whoever_takes_up_an_invitation_at_that_moment_is_disabled_all_the_same(
    network: Pat, migrated: str
) -> None:
    token, person = invited(network), uuid4()

    def disable() -> people_registry.Left:
        with psycopg.connect(migrated) as connection:
            return people_registry.disable(connection, EMAIL)

    with ThreadPoolExecutor(1) as threads:
        with psycopg.connect(migrated) as joining:
            joining.execute("select sec.enrol(%s, %s)", (token, person))
            disabling = threads.submit(disable)
            while not rows(migrated, "select 1 from pg_locks where not granted"):
                assert not disabling.done()
        left = disabling.result(timeout=10)
    assert (left.person, len(left.memberships)) == (person, 1)
    assert rows(migrated, "select 1 from app.memberships where ended_at is null") == []


@pytest.mark.parametrize(("number", "cases"), [(1, 1), (2, 1)])
def test_cases_that_are_assigned_to_her_are_counted(wall: Wall, number: int, cases: int) -> None:
    """Each of the two social workers is assigned to one case, and was to the other."""
    worker = wall.member("cbo-a", Role.SOCIAL_WORKER, number)
    with wall.admin.transaction(force_rollback=True):
        (found,) = left_open(wall.admin, Left(person=worker.person))
    assert (found.organisation, found.cases) == ("cbo-a", cases)


def test_what_a_manager_leaves_behind_is_counted_where_she_was_one(wall: Wall) -> None:
    """Referrals of hers that are not over, and alerts that nobody has closed; not those of another organisation."""
    manager = wall.member("cbo-a", Role.CASE_MANAGER)
    role = Membership(manager.organisation, manager.membership, manager.role.value)
    with wall.admin.transaction(force_rollback=True):
        ((sent,),) = wall.admin.execute(
            "select count(*) from app.referrals where created_by = %s and ended_at is null", (manager.person,)
        ).fetchall()
        for slug in ("cbo-a", "cbo-a", "cbo-b"):
            put_alert(wall, slug)
        put_alert(wall, is_raised=False)
        (found,) = left_open(wall.admin, Left(person=manager.person, memberships=[role]))
        (other,) = left_open(wall.admin, Left(person=manager.person))
    assert (found.organisation, found.referrals, found.alerts) == ("cbo-a", sent, 2)
    assert sent
    assert other.alerts == 0


def test_the_report_says_what_to_do() -> None:
    one, several = (
        LeftOpen(organisation="cbo-a", cases=number, referrals=number, alerts=number) for number in (1, 3)
    )
    assert _to_do([one, several]) == [
        "cbo-a: 1 case assigned to them: assign somebody else.",
        "cbo-a: 1 referral of theirs not over: somebody has to follow up.",
        "cbo-a: 1 alert open: look at them today.",
        "cbo-a: 3 cases assigned to them: assign somebody else.",
        "cbo-a: 3 referrals of theirs not over: somebody has to follow up.",
        "cbo-a: 3 alerts open: look at them today.",
    ]


def test_nobody_is_disabled_who_is_not_there_or_was_before(network: Pat, migrated: str) -> None:
    put_member(migrated, "cbo-a", "counsellor")
    for email in ("nobody@cbo-a.example", EMAIL, EMAIL):
        done = network("person", "disable", email)
    assert done.exit_code == 1
    assert "disabled before" in done.stderr
    assert network("person", "disable", "nobody@cbo-a.example").exit_code == 1


def test_whoever_was_disabled_may_come_back_by_a_new_invitation(network: Pat, migrated: str) -> None:
    person, membership = put_member(migrated, "cbo-a", "counsellor")
    assert network("person", "enable", EMAIL).exit_code == 1
    network("person", "disable", EMAIL)
    done = network(*INVITE)
    assert done.exit_code == 1
    assert "pat person enable" in done.stderr
    assert network("person", "enable", EMAIL).stdout == f"{EMAIL} may sign in again.\n"
    assert rows(migrated, "select disabled_at from sec.people") == [(None,)]
    assert rows(migrated, "select 1 from app.memberships where ended_at is null") == []
    assert events(migrated, "cbo-a")[-1] == ("person.enabled", None, [person], {})
    token = invited(network)
    assert rows(migrated, "select sec.take_up(%s, %s)", token, person) == [(membership,)]


def test_codes_are_told_in_the_demo_alone(network: Pat) -> None:
    done = network("person", "code", EMAIL)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "for the demo only" in done.stderr


def test_setup_invites_the_first_administrator_and_nobody_after(own: Pat, migrated: str) -> None:
    setup = ("setup", "first@secretariat.example", "--name", "First")
    add(own, "cbo-a", "cbo")
    done = own(*setup)
    assert done.exit_code == 1
    assert "There is no secretariat yet" in done.stderr
    add(own, "secretariat", "secretariat")
    invited(own, *setup)
    # The link got lost: another one, and the first is void.
    token = invited(own, *setup)
    standing = "select token_hash, role from app.invitations where withdrawn_at is null"
    assert rows(migrated, standing) == [(token, "secretariat_admin")]
    put_member(migrated, "secretariat", "secretariat_admin", "first@secretariat.example")
    done = own(*setup)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "has an administrator already" in done.stderr


def test_of_several_secretariats_none_is_set_up_by_chance(network: Pat) -> None:
    add(network, "another", "secretariat")
    done = network("setup", EMAIL, "--name", "Asha")
    assert done.exit_code == 1
    assert "several secretariats" in done.stderr

"""The trail: what a transaction did is appended with it, and a chain that was touched names where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.support.people import Member
from tests.support.wall import Connection, Wall, attempt

from pat_auth.policy import Role
from pat_platform.trail import Broken, event_hash, first_broken

RECORD = "select trail.record(%s, %s, %s)"
Event = dict[str, Any]


@pytest.fixture
def manager(wall: Wall) -> Iterator[Member]:
    """Whose organisation's chain is empty before and after."""
    yield wall.member("cbo-a", Role.CASE_MANAGER)
    wall.admin.execute("delete from trail.events; delete from trail.heads")


def record(wall: Wall, member: Member, action: str, *subjects: UUID, **detail: object) -> int:
    with wall.acting(member, commit=True) as connection:
        row = connection.execute(RECORD, (action, list(subjects), json.dumps(detail))).fetchone()
        assert row is not None
        return int(row[0])


def chain(wall: Wall, slug: str = "cbo-a") -> tuple[list[Event], Event | None]:
    """The events of an organisation in order, and its head, as a superuser reads them."""
    with wall.admin.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "select * from trail.events where organisation_id = %s order by number",
            (wall.organisation(slug),),
        )
        events = cursor.fetchall()
        cursor.execute("select * from trail.heads where organisation_id = %s", (wall.organisation(slug),))
        return events, cursor.fetchone()


@pytest.fixture
def five(wall: Wall, manager: Member) -> UUID:
    """A chain of five events; returns the organisation."""
    for number in range(5):
        record(wall, manager, "case.opened", uuid4(), uuid4(), number=number, code="héarts ♥")
    return manager.organisation


def broken(wall: Wall) -> Broken | None:
    return first_broken(*chain(wall))


def test_an_event_says_who_did_what_to_whom(wall: Wall, manager: Member) -> None:
    subjects = [uuid4(), uuid4()]
    assert record(wall, manager, "case.opened", *subjects, status="ACTIVE") == 1
    (event,), head = chain(wall)
    assert head is not None
    assert (event["organisation_id"], event["login"], event["actor"]) == (
        manager.organisation,
        manager.login,
        manager.person,
    )
    assert (event["action"], event["subjects"]) == ("case.opened", subjects)
    assert json.loads(event["detail"]) == {"status": "ACTIVE"}
    assert event["hash"] == event_hash(event) == head["hash"]
    assert event["previous"] == b"\0" * 32


def test_the_moment_is_that_of_the_event_not_of_the_transaction(wall: Wall, manager: Member) -> None:
    with wall.acting(manager, commit=True) as connection:
        for _ in range(2):
            connection.execute(RECORD, ("case.opened", [], "{}"))
            connection.execute("select pg_sleep(0.01)")
    first, second = chain(wall)[0]
    assert second["at"] - first["at"] >= timedelta(milliseconds=10)


@pytest.mark.usefixtures("five")
def test_a_chain_that_nobody_touched_holds(wall: Wall) -> None:
    assert broken(wall) is None
    assert first_broken([], None) is None


def test_each_organisation_has_a_chain_of_its_own(wall: Wall, manager: Member) -> None:
    other = wall.member("cbo-b", Role.SOCIAL_WORKER)
    assert [record(wall, who, "case.opened") for who in (manager, other, manager, other)] == [1, 1, 2, 2]
    assert first_broken(*chain(wall, "cbo-a")) is None
    assert first_broken(*chain(wall, "cbo-b")) is None


CHANGES = {
    "organisation_id = organisation_id, login = 'somebody'": "login",
    "actor = gen_random_uuid()": "actor",
    "actor = null": "no actor",
    "action = 'case.closed'": "action",
    "subjects = subjects[1:1]": "subjects",
    "detail = '{}'": "detail",
    "at = at + interval '1 microsecond'": "at",
    "previous = sha256('')": "previous",
    "hash = sha256('')": "hash",
}


@pytest.mark.parametrize("change", CHANGES, ids=CHANGES.values())
def test_an_event_that_was_changed_is_named(wall: Wall, five: UUID, change: str) -> None:
    wall.admin.execute(
        f"update trail.events set {change} where organisation_id = %s and number = 3".encode(), (five,)
    )
    assert broken(wall) == Broken(five, 3, "changed")


def test_an_event_that_was_changed_with_its_hash_breaks_the_next(wall: Wall, five: UUID) -> None:
    events, _ = chain(wall)
    forged = event_hash({**events[2], "action": "case.closed"})
    wall.admin.execute(
        "update trail.events set action = 'case.closed', hash = %s where organisation_id = %s and number = 3",
        (forged, five),
    )
    assert broken(wall) == Broken(five, 4, "changed")


@pytest.mark.parametrize("number", [1, 3])
def test_an_event_that_was_removed_is_named(wall: Wall, five: UUID, number: int) -> None:
    wall.admin.execute("delete from trail.events where organisation_id = %s and number = %s", (five, number))
    assert broken(wall) == Broken(five, number, "missing")


def test_events_that_were_cut_off_at_the_end_are_named(wall: Wall, five: UUID) -> None:
    wall.admin.execute("delete from trail.events where organisation_id = %s and number > 3", (five,))
    assert broken(wall) == Broken(five, 4, "cut off")


def test_a_chain_whose_events_are_all_gone_is_named(wall: Wall, five: UUID) -> None:
    wall.admin.execute("delete from trail.events where organisation_id = %s", (five,))
    assert broken(wall) == Broken(five, 1, "cut off")


def test_an_event_that_was_put_on_at_the_end_is_named(wall: Wall, five: UUID) -> None:
    events, _ = chain(wall)
    added = {**events[4], "number": 6, "previous": events[4]["hash"]}
    added["hash"] = event_hash(added)
    names = ", ".join(added)
    values = ", ".join(f"%({name})s" for name in added)
    wall.admin.execute(f"insert into trail.events ({names}) values ({values})".encode(), added)
    assert broken(wall) == Broken(five, 6, "added")


def test_a_head_that_is_gone_or_changed_is_named(wall: Wall, five: UUID) -> None:
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute("delete from trail.heads where organisation_id = %s", (five,))
        assert broken(wall) == Broken(five, 1, "added")
    wall.admin.execute("update trail.heads set hash = sha256('') where organisation_id = %s", (five,))
    assert broken(wall) == Broken(five, 5, "changed")


def test_an_event_that_is_not_what_was_signed_is_named(wall: Wall, five: UUID) -> None:
    events, head = chain(wall)
    signed = {event["number"]: event["hash"] for event in events if event["number"] in (2, 4)}
    assert first_broken(events, head, signed) is None
    assert first_broken(events, head, {**signed, 4: b"another"}) == Broken(five, 4, "not what was signed")
    assert first_broken(events, head, {**signed, 6: b"once"}) == Broken(five, 6, "cut off")


def test_events_that_change_places_are_named(wall: Wall, five: UUID) -> None:
    wall.admin.execute(
        "update trail.events set number = case number when 2 then -3 else -2 end where organisation_id = %s and number in (2, 3)",
        (five,),
    )
    wall.admin.execute("update trail.events set number = -number where number < 0")
    assert broken(wall) == Broken(five, 2, "changed")


def test_fields_that_run_into_each_other_are_told_apart(wall: Wall, manager: Member) -> None:
    """Their lengths are hashed too: moving a letter from one field to the next is another event."""
    record(wall, manager, "case.opened")
    (event,), _ = chain(wall)
    moved = {**event, "action": "case.opene", "detail": "d" + event["detail"]}
    assert event_hash(moved) != event_hash(event)


def test_what_is_rolled_back_leaves_no_event(wall: Wall, manager: Member) -> None:
    record(wall, manager, "case.opened")
    with wall.acting(manager) as connection:
        connection.execute(RECORD, ("case.updated", [], "{}"))
    events, head = chain(wall)
    assert [event["action"] for event in events] == ["case.opened"]
    assert head is not None
    assert head["number"] == 1
    assert record(wall, manager, "case.closed") == 2
    assert broken(wall) is None


def test_what_is_rolled_back_to_a_savepoint_leaves_no_event(wall: Wall, manager: Member) -> None:
    with wall.acting(manager, commit=True) as connection:
        connection.execute(RECORD, ("case.opened", [], "{}"))
        with connection.transaction(force_rollback=True):
            connection.execute(RECORD, ("case.updated", [], "{}"))
        connection.execute(RECORD, ("case.closed", [], "{}"))
    assert [event["action"] for event in chain(wall)[0]] == ["case.opened", "case.closed"]
    assert broken(wall) is None


REVEAL = "select trail.reveal(%s, %s)"


def test_a_read_of_identities_is_one_event_about_all_of_them(wall: Wall, manager: Member) -> None:
    one, two = uuid4(), uuid4()
    with wall.acting(manager, commit=True) as connection:
        revealed = [[kind, str(each)] for each in (one, two) for kind in ("note", "identity", "note")]
        assert attempt(connection, REVEAL, ("cases", json.dumps(revealed))) == [(1,)]
    (event,), _ = chain(wall)
    assert event["action"] == "record.read"
    assert event["subjects"] == sorted((one, two))
    assert json.loads(event["detail"]) == {"operation": "cases", "classes": ["identity", "note"]}
    assert broken(wall) is None


def test_of_whom_more_was_read_has_an_event_of_her_own(wall: Wall, manager: Member) -> None:
    """Nobody is to be told that something of hers was read because it was read of somebody else."""
    one, two = uuid4(), uuid4()
    with wall.acting(manager, commit=True) as connection:
        revealed = [["identity", str(one)], ["identity", str(two)], ["note", str(one)]]
        assert attempt(connection, REVEAL, ("cases", json.dumps(revealed))) == [(2,)]
    told = {event["subjects"][0]: json.loads(event["detail"])["classes"] for event in chain(wall)[0]}
    assert told == {one: ["identity", "note"], two: ["identity"]}
    assert broken(wall) is None


def test_a_read_that_revealed_nothing_is_no_event(wall: Wall, manager: Member) -> None:
    with wall.acting(manager, commit=True) as connection:
        assert attempt(connection, REVEAL, ("cases", "[]")) in ([], [(None,)])
    assert chain(wall) == ([], None)


def test_an_event_without_subjects_or_with_strange_text_verifies(wall: Wall, manager: Member) -> None:
    record(wall, manager, "x" * 1000)
    record(wall, manager, "নাম", uuid4(), text='"\\, \n\t é', nested={"b": [1, None], "a": 1.50})
    record(wall, manager, "", uuid4())
    assert broken(wall) is None


@pytest.mark.parametrize(
    "subjects",
    [
        "array[null]::uuid[]",
        "array[gen_random_uuid(), null]",
        "array[array[gen_random_uuid()], array[gen_random_uuid()]]",
    ],
)
def test_what_verification_could_not_read_back_is_refused(wall: Wall, manager: Member, subjects: str) -> None:
    with wall.acting(manager) as connection:
        assert attempt(connection, f"select trail.record('x', {subjects}, '{{}}')") in ("22023", "0A000")
    record(wall, manager, "case.opened")
    assert broken(wall) is None


@pytest.mark.parametrize("missing", ["null, '{}', '{}'", "'x', null, '{}'", "'x', '{}', null"])
def test_an_event_without_one_of_its_fields_is_refused(wall: Wall, manager: Member, missing: str) -> None:
    with wall.acting(manager) as connection:
        assert attempt(connection, f"select trail.record({missing})") == "23502"


def test_the_hash_does_not_depend_on_the_callers_settings(wall: Wall, manager: Member) -> None:
    with wall.acting(manager, commit=True) as connection:
        for setting in (
            "timezone = 'Asia/Kolkata'",
            "datestyle = 'German'",
            "bytea_output = 'escape'",
            "intervalstyle = 'sql_standard'",
            "lc_time = 'C'",
            "extra_float_digits = 0",
        ):
            connection.execute(f"set local {setting}".encode())
            connection.execute(RECORD, ("case.opened", [uuid4()], '{"amount": 0.1}'))
    assert broken(wall) is None


def test_no_event_is_lost_or_doubled_when_several_logins_append_at_once(wall: Wall, manager: Member) -> None:
    roles = (Role.CASE_MANAGER, Role.SOCIAL_WORKER, Role.COUNSELLOR, Role.LEGAL_AID)

    def append(role: Role) -> None:
        member = wall.member("cbo-a", role)
        with wall.connect(member.login) as connection:
            for number in range(15):
                with connection.transaction(force_rollback=number % 5 == 4):
                    connection.execute("select sec.enter(%s)", (str(member.session),))
                    connection.execute(RECORD, ("case.updated", [], json.dumps({"number": number})))

    with ThreadPoolExecutor(len(roles)) as pool:
        list(pool.map(append, roles))
    events, head = chain(wall)
    assert len(events) == len(roles) * 12
    assert head is not None
    assert head["number"] == len(events)
    assert first_broken(events, head) is None
    assert {event["login"] for event in events} == {wall.member("cbo-a", role).login for role in roles}


class TestTheApplication:
    """It may call two functions, and nothing else."""

    @pytest.fixture
    def connection(self, wall: Wall, manager: Member, five: UUID) -> Iterator[Connection]:
        with wall.acting(manager) as connection:
            yield connection

    @pytest.mark.parametrize(
        "statement",
        [
            "select 1 from trail.events",
            "select 1 from trail.heads",
            "insert into trail.heads select gen_random_uuid(), 1, ''",
            "insert into trail.events select * from trail.events",
            "update trail.events set action = 'x'",
            "update trail.heads set number = 0",
            "delete from trail.events",
            "delete from trail.heads",
            "truncate trail.events",
            "truncate trail.heads",
            "drop table trail.events",
            "alter table trail.events disable row level security",
            "select trail.field('x')",
            "create or replace function trail.record(text, uuid[], jsonb) returns bigint language sql as 'select 1::bigint'",
            "set role pat_trail",
        ],
    )
    def test_can_neither_read_nor_change_nor_remove_an_event(
        self, connection: Connection, statement: str
    ) -> None:
        assert attempt(connection, statement) == "42501"

    def test_cannot_forge_who_acts(self, wall: Wall, connection: Connection) -> None:
        other = wall.member("cbo-b", Role.CASE_MANAGER)
        for forged in (other.session, other.person, uuid4()):
            with connection.transaction(force_rollback=True):
                connection.execute("select set_config('pat.session', %s, true)", (str(forged),))
                assert attempt(connection, "select trail.record('x', '{}', '{}')") == "28000"
        with connection.transaction(force_rollback=True):
            connection.execute("select set_config('pat.session', '', true)")
            assert attempt(connection, "select trail.record('x', '{}', '{}')") == "28000"
            assert attempt(connection, "select trail.reveal('x', '[[\"identity\", null]]')") == "28000"

    def test_cannot_put_its_own_functions_before_the_real_ones(self, connection: Connection) -> None:
        connection.execute("set local search_path = app, public, pg_catalog")
        assert attempt(connection, "select trail.record('x', '{}', '{}')") == [(6,)]

    @pytest.mark.parametrize("login", ["pat_service_issuer", "pat_service_listener", "pat_service_jobs"])
    def test_a_service_has_no_trail(self, wall: Wall, login: str) -> None:
        with wall.connect_service(login) as service:
            assert attempt(service, "select trail.record('x', '{}', '{}')") == "42501"


def test_only_an_organisations_login_has_a_trail(wall: Wall) -> None:
    """Whoever else may call the function has no chain to append to."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only an organisation has a trail"):
        wall.admin.execute("select trail.record('x', '{}', '{}')")

"""Inside one organisation: what a social worker whose code is made to inject SQL still cannot do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role
from pat_platform.database.models import TableKind
from pat_tenants.tables import metadata

REFUSED = "42501"


@pytest.fixture
def worker(wall: Wall) -> Member:
    """The social worker to whom ``hers`` is assigned, and ``ours`` is not."""
    return wall.member("cbo-a", Role.SOCIAL_WORKER, 1)


@pytest.fixture
def colleague(wall: Wall) -> Member:
    """The one to whom ``ours`` is assigned: on the same login."""
    return wall.member("cbo-a", Role.SOCIAL_WORKER, 2)


@pytest.fixture
def injected(wall: Wall, worker: Member) -> Iterator[Connection]:
    with wall.acting(worker) as connection:
        yield connection


SEALED = {
    "app.survivor_identities": "survivor_id",
    "app.survivor_keys": "survivor_id",
    "app.case_note_texts": "case_id",
}


@pytest.mark.parametrize(("table", "column"), SEALED.items())
def test_she_reads_identities_and_notes_of_her_own_caseload_alone(
    wall: Wall, injected: Connection, table: str, column: str
) -> None:
    hers = wall.id(table, "cbo-a", "hers", column)
    assert attempt(injected, f"select {column} from {table}") == [(hers,)]


@pytest.mark.parametrize(("table", "column"), SEALED.items())
def test_no_setting_and_no_function_shows_her_more(
    wall: Wall, injected: Connection, table: str, column: str
) -> None:
    ours = wall.id(table, "cbo-a", "ours", column)
    for statement in (
        f"with f as materialized (select set_config('pat.actor', '{ours}', true) s) select {column} from f, {table}",
        f"select query_to_xml('select {column} from {table}', true, false, '')::text",
        f"select * from ts_stat('select to_tsvector(''simple'', {column}::text) from {table}')",
        f"select {column} from {table} for update",
        f"select {column} from {table} where {column} in (select {column} from app.case_assignments)",
    ):
        assert str(ours) not in repr(attempt(injected, statement)), statement


def test_the_colleagues_identities_are_the_colleagues(wall: Wall, colleague: Member) -> None:
    with wall.acting(colleague) as connection:
        ours = wall.id("app.survivor_identities", "cbo-a", "ours", "survivor_id")
        assert attempt(connection, "select survivor_id from app.survivor_identities") == [(ours,)]


def test_an_assignment_that_ends_reaches_nothing_from_the_next_statement_on(
    wall: Wall, worker: Member
) -> None:
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(
            "update app.case_assignments set ended_at = now() where membership_id = %s and ended_at is null",
            (worker.membership,),
        )
        with as_superuser(wall.admin, worker.login, worker.session):
            for table, column in SEALED.items():
                assert attempt(wall.admin, f"select {column} from {table}") == []


def test_she_cannot_assign_herself(wall: Wall, worker: Member, injected: Connection) -> None:
    row = wall.rows["app.case_assignments"]["cbo-a"]["social_worker2"]
    assigned = attempt(
        injected,
        "insert into app.case_assignments"
        " (organisation_id, id, case_id, survivor_id, person_id, membership_id, created_by)"
        " values (%s, gen_random_uuid(), %s, %s, %s, %s, %s)",
        (
            *(row["organisation_id"], row["case_id"], row["survivor_id"]),
            *(worker.person, worker.membership, worker.person),
        ),
    )
    assert assigned == REFUSED
    assert attempt(injected, "update app.case_assignments set ended_at = null") == REFUSED
    taken = f"update app.case_assignments set membership_id = '{worker.membership}'"
    assert attempt(injected, taken) == REFUSED


NOTE = (
    "insert into app.case_notes (organisation_id, id, case_id, survivor_id, kind, created_by)"
    " values (%(organisation)s, gen_random_uuid(), %(case)s, %(survivor)s, 'LEGAL', %(author)s)"
)


def note(wall: Wall, label: str, author: Member) -> dict[str, object]:
    case = wall.rows["app.cases"]["cbo-a"][label]
    return {
        "organisation": case["organisation_id"],
        "case": case["id"],
        "survivor": case["survivor_id"],
        "author": author.person,
    }


def test_she_writes_under_her_own_name(wall: Wall, worker: Member, injected: Connection) -> None:
    assert attempt(injected, NOTE, note(wall, "hers", worker)) == [(1,)]


def test_she_cannot_write_under_a_colleagues_name(
    wall: Wall, colleague: Member, injected: Connection
) -> None:
    assert attempt(injected, NOTE, note(wall, "hers", colleague)) == REFUSED


def test_she_cannot_write_in_a_colleagues_case(wall: Wall, worker: Member, injected: Connection) -> None:
    assert attempt(injected, NOTE, note(wall, "ours", worker)) == REFUSED


def test_a_case_cannot_be_slipped_under_a_survivor_who_is_not_hers(
    wall: Wall, worker: Member, injected: Connection
) -> None:
    """The case is hers, the survivor is not: the key of case and survivor belong together."""
    mixed = {**note(wall, "hers", worker), "survivor": wall.id("app.survivors", "cbo-a", "ours")}
    assert attempt(injected, NOTE, mixed) == "23503"


def test_a_change_bears_her_own_name(
    wall: Wall, worker: Member, colleague: Member, injected: Connection
) -> None:
    case = wall.id("app.cases", "cbo-a", "hers")
    change = "update app.cases set stage = 'INDEPENDENT', updated_by = %s where id = %s"
    assert attempt(injected, change, (worker.person, case)) == [(1,)]
    assert attempt(injected, change, (colleague.person, case)) == REFUSED


def test_a_change_that_keeps_another_name_is_refused(wall: Wall, injected: Connection) -> None:
    """Whoever changed it last would be blamed for what she did."""
    case = wall.id("app.cases", "cbo-a", "hers")
    wall.admin.execute("update app.cases set updated_by = created_by where id = %s", (case,))
    assert attempt(injected, f"update app.cases set stage = 'INDEPENDENT' where id = '{case}'") == REFUSED


def test_a_colleagues_case_does_not_change(wall: Wall, worker: Member, injected: Connection) -> None:
    case = wall.id("app.cases", "cbo-a", "ours")
    change = "update app.cases set stage = 'INDEPENDENT', updated_by = %s where id = %s"
    assert attempt(injected, change, (worker.person, case)) == [(0,)]


def test_a_case_stays_hers_when_she_changes_it_whatever_she_could_change(wall: Wall, worker: Member) -> None:
    case = wall.id("app.cases", "cbo-a", "hers")
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute("grant update (id) on app.cases to pat_social_worker")
        with as_superuser(wall.admin, worker.login, worker.session):
            change = "update app.cases set id = gen_random_uuid(), updated_by = %s where id = %s"
            changed = attempt(wall.admin, change, (worker.person, case))
    assert changed == REFUSED


@pytest.mark.parametrize("role", [Role.SOCIAL_WORKER, Role.LEGAL_AID])
def test_a_day_in_court_is_of_her_caseload_before_and_after_she_changes_it_whatever_she_could_change(
    wall: Wall, role: Role
) -> None:
    """Also if nothing is read for it, and if she could read all assignments, her own that have ended among them."""
    me = wall.member("cbo-a", role)
    cases = {label: wall.id("app.cases", "cbo-a", label) for label in ("hers", "ours")}
    change = "update app.hearings set case_id = %s, updated_by = %s"
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(
            "alter table app.hearings drop constraint fk_hearings_organisation_id_proceeding_id_case_id_survivor_id;"
            f" grant update (case_id) on app.hearings to pat_{role}; grant select on app.case_assignments to pat_{role};"
            f" create policy planted on app.case_assignments for select to pat_{role} using (true)".encode()
        )
        wall.admin.execute(
            "insert into app.hearings select (jsonb_populate_record(h, jsonb_build_object('id', gen_random_uuid(), 'state', 'HELD'))).*"
            " from app.hearings h where case_id = %s",
            (cases["hers"],),
        )
        with as_superuser(wall.admin, me.login, me.session):
            # The one that is to come; neither the one that was held nor a colleague's.
            assert attempt(wall.admin, change, (cases["hers"], me.person)) == [(1,)]
            assert attempt(wall.admin, change, (cases["ours"], me.person)) == REFUSED


@pytest.mark.parametrize(
    "role", [Role.CASE_MANAGER, Role.SOCIAL_WORKER, Role.SHG_FACILITATOR, Role.ORGANISATION_ADMIN]
)
def test_no_role_changes_whose_a_row_is_or_who_wrote_it(wall: Wall, role: Role) -> None:
    fixed = (
        "organisation_id",
        "id",
        "case_id",
        "survivor_id",
        "person_id",
        "membership_id",
        "created_by",
        "received_id",
        "to_organisation_id",
    )
    with wall.acting(wall.member("cbo-a", role)) as connection:
        for table in metadata.tables.values():
            if table.info["kind"] is TableKind.TENANT:
                for column in (name for name in fixed if name in table.c):
                    changed = attempt(connection, f"update {table.fullname} set {column} = {column}")
                    assert changed == REFUSED, (table.fullname, column)


def test_which_survivors_sign_in_is_nobodys_business(wall: Wall) -> None:
    for role in (Role.ORGANISATION_ADMIN, Role.CASE_MANAGER, Role.SOCIAL_WORKER, Role.MIS_FOCAL):
        with wall.acting(wall.member("cbo-a", role)) as connection:
            assert attempt(connection, "select 1 from app.memberships where role = 'survivor'") == []
            assert attempt(connection, "select survivor_id from app.memberships") == REFUSED


def test_replays_are_each_persons_own(
    wall: Wall, worker: Member, colleague: Member, injected: Connection
) -> None:
    assert attempt(injected, "select distinct person_id from app.replays") == [(worker.person,)]
    forged = attempt(
        injected,
        "insert into app.replays (organisation_id, person_id, client, key, operation, input_hash, answer)"
        " values (%s, %s, 'tests', gen_random_uuid(), 'x', '', '{}')",
        (worker.organisation, colleague.person),
    )
    assert forged == REFUSED

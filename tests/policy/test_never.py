"""What must never be, whatever the table of permissions says. Nothing here asks it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from tests.policy.covers import RECEIVERS_OWN
from tests.support.issuing import put_client
from tests.support.people import named
from tests.support.wall import Wall, attempt

from pat_auth.clients.models import Serves
from pat_auth.policy import Role
from pat_tenants.tables import metadata

REFUSED = "42501"
OF_SURVIVORS = (
    "app.survivors",
    "app.survivor_keys",
    "app.survivor_identities",
    "app.cases",
    "app.case_assignments",
    "app.case_notes",
    "app.case_note_texts",
    "app.legal_proceedings",
    "app.hearings",
    "app.hearing_confirmations",
    "app.referrals",
    "app.consents",
    "app.consent_withdrawals",
    "app.barred_guardians",
    "app.legal_bases",
    "app.legal_basis_reasons",
)
IDENTITY = (
    "app.survivor_identities",
    "app.survivor_keys",
    "app.case_note_texts",
    "app.group_member_identities",
    "app.legal_basis_reasons",
)
COMMANDS = ("select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain")


def privileges(wall: Wall, roles: Iterable[str], tables: Iterable[str], commands: Iterable[str]) -> set[str]:
    """Who holds which privilege on a table, or on any column of one."""
    held = wall.admin.execute(
        "select r || ' ' || c || ' ' || t from unnest(%s::text[]) r, unnest(%s::text[]) t, unnest(%s::text[]) c"
        " where case when c in ('select', 'insert', 'update', 'references')"
        " then has_any_column_privilege('pat_' || r, t, c) else has_table_privilege('pat_' || r, t, c) end",
        (list(roles), list(tables), list(commands)),
    ).fetchall()
    return {line for (line,) in held}


@pytest.mark.parametrize(
    "role",
    [
        "mis_focal",
        "shg_facilitator",
        "secretariat_admin",
        "secretariat_analyst",
        "auditor",
        "funder",
        "platform_operator",
        "service",
        "destination_admin",
        "destination_worker",
    ],
)
def test_who_does_not_work_with_survivors_never_touches_their_tables(wall: Wall, role: str) -> None:
    assert privileges(wall, [role], OF_SURVIVORS, COMMANDS) == set()


def test_a_machine_is_never_told_anything_about_anybody(wall: Wall) -> None:
    told = privileges(wall, ["service"], [*metadata.tables], ["select"])
    # Of members and of what was sent twice: its own row.
    own = {"app.memberships", "app.replays"}
    assert {line.split()[-1] for line in told} <= own | {"app.organisations", "app.places", "app.transitions"}
    machine, colleague = (wall.member("cbo-a", role) for role in (Role.SERVICE, Role.CASE_MANAGER))
    with wall.acting(machine) as connection:
        assert attempt(connection, "select id from app.memberships") == [(machine.membership,)]
        assert attempt(connection, f"select * from app.replays where person_id = '{colleague.person}'") == []


def test_a_counsellor_never_reads_anything_legal(wall: Wall) -> None:
    assert (
        privileges(wall, ["counsellor"], ["app.legal_proceedings", "app.hearings", "app.referrals"], COMMANDS)
        == set()
    )


def test_notes_are_never_read_by_those_who_did_not_need_them_to_help(wall: Wall) -> None:
    others = {"counsellor", "legal_aid", "survivor", "shg_facilitator", "mis_focal"}
    assert privileges(wall, others, ["app.case_note_texts", "app.case_notes"], COMMANDS) == set()


def test_who_a_group_member_is_is_never_known_outside_the_group_and_its_organisation_heads(
    wall: Wall,
) -> None:
    readers = privileges(wall, list(Role), ["app.group_member_identities"], ["select"])
    assert {reader.split()[0] for reader in readers} == {
        "organisation_admin",
        "case_manager",
        "shg_facilitator",
    }


def test_a_group_never_tells_a_survivor_from_another_woman() -> None:
    for name in ("self_help_groups", "group_members", "group_member_identities", "group_entries"):
        table = metadata.tables[f"app.{name}"]
        assert not [
            column for column in list(table.columns.keys()) if "survivor" in column or "case" in column
        ]
        assert {key.column.table.name for key in table.foreign_keys} <= {
            "organisations",
            "places",
            "self_help_groups",
            "group_members",
        }


def test_nothing_is_ever_deleted_or_truncated_by_an_application(wall: Wall) -> None:
    tables = [*metadata.tables]
    assert (
        privileges(wall, list(Role), tables, ["delete", "truncate", "trigger", "references", "maintain"])
        == set()
    )


def test_identities_keys_and_notes_are_never_changed_in_place(wall: Wall) -> None:
    assert (
        privileges(wall, list(Role), [*IDENTITY, "app.case_notes", "app.group_entries"], ["update"]) == set()
    )


ADMINISTRATORS = {"organisation_admin", "secretariat_admin", "destination_admin"}


def test_no_application_ever_makes_organisations_places_or_members(wall: Wall) -> None:
    tables = ["app.organisations", "app.places", "app.memberships"]
    assert privileges(wall, list(Role), tables, ["insert"]) == set()
    assert privileges(wall, list(Role), tables, ["update"]) == set()


def test_only_administrators_ever_let_programs_and_people_in(wall: Wall) -> None:
    tables = ["app.clients", "app.client_keys", "app.invitations"]
    assert privileges(wall, list(Role), tables, COMMANDS) == {
        f"{role} {command} {table}"
        for role in ADMINISTRATORS
        for command in ("select", "insert", "update")
        for table in tables
    }


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_no_administrator_ever_chooses_a_clients_id_or_whom_it_serves(wall: Wall, role: str) -> None:
    """Another organisation's id would be taken; a client of the whole network would be offered everybody's memberships."""
    me = wall.member("cbo-a", Role(role))
    named = "organisation_id, name, kind, scopes, created_by, updated_by"
    values = f"'{me.organisation}', 'x', 'PUBLIC', '{{}}', '{me.person}', '{me.person}'"
    taken = wall.id("app.clients", "cbo-b", "hers")
    with wall.acting(me) as connection:
        insert = "insert into app.clients ({}) values ({}) returning serves"
        assert attempt(connection, insert.format(named, values)) == [("ORGANISATION",)]
        for column, value in (("id", taken), ("serves", "NETWORK")):
            statement = insert.format(f"{named}, {column}", f"{values}, '{value}'")
            assert attempt(connection, statement) == REFUSED
            assert attempt(connection, f"update app.clients set {column} = '{value}'") == REFUSED


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_no_administrator_ever_changes_a_program_that_serves_the_network(wall: Wall, role: str) -> None:
    """It speaks for other organisations' people: whoever chose where it sends them, or its key, would be they."""
    me = wall.member("cbo-a", Role(role))
    network = put_client(wall.admin, me.organisation, serves=Serves.NETWORK, keys=[{"kid": "theirs"}])
    key = (
        "insert into app.client_keys (organisation_id, client_id, kid, jwk, created_by)"
        f" values ('{me.organisation}', '{{}}', 'k', '{{{{}}}}', '{me.person}')"
    )
    mine = wall.id("app.clients", "cbo-a", "hers")
    try:
        with wall.acting(me) as connection:
            assert attempt(connection, f"select serves from app.clients where id = '{network}'") == [
                ("NETWORK",)
            ]
            for change in (
                "redirect_uris = '{https://evil.example/cb}'",
                "scopes = '{identity}'",
                "disabled_at = now()",
            ):
                assert (
                    attempt(connection, f"update app.clients set {change} where id = '{network}'") == REFUSED
                )
            assert attempt(connection, key.format(network)) == REFUSED
            ending = "update app.client_keys set retired_at = now() where client_id = '{}'"
            assert attempt(connection, ending.format(network)) == REFUSED
            assert attempt(connection, key.format(mine)) != REFUSED
    finally:
        wall.admin.execute("delete from app.client_keys where client_id = %s", (network,))
        wall.admin.execute("delete from app.clients where id = %s", (network,))


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_no_administrator_ever_reads_what_the_link_of_an_invitation_carries(wall: Wall, role: str) -> None:
    with wall.acting(wall.member("cbo-a", Role(role))) as connection:
        assert attempt(connection, "select email from app.invitations") != REFUSED
        assert attempt(connection, "select token_hash from app.invitations") == REFUSED
        assert attempt(connection, "update app.invitations set token_hash = 'x'") == REFUSED
        assert attempt(connection, "update app.invitations set taken_up_at = null") == REFUSED
        assert attempt(connection, "update app.invitations set expires_at = 'infinity'") == REFUSED


def test_no_application_ever_touches_sessions_people_logins_or_the_trail(wall: Wall) -> None:
    tables = [name for name in metadata.tables if not name.startswith("app.")]
    assert len(tables) == 23
    assert privileges(wall, list(Role), tables, COMMANDS) == set()


def test_a_survivor_never_writes_about_a_case_and_never_sees_another(wall: Wall) -> None:
    writes = privileges(wall, ["survivor"], metadata.tables, ["insert", "update"])
    # What she agrees to and ends, and that somebody is told of it: nothing about what others have written.
    told = {f"survivor insert app.{name}" for name in ("consents", "consent_withdrawals", "alerts")}
    assert writes == {"survivor insert app.replays", *told}
    first, second = (wall.member("cbo-a", Role.SURVIVOR, number) for number in (1, 2))
    for me in (first, second):
        with wall.acting(me) as connection:
            for table in OF_SURVIVORS:
                column = "id" if table == "app.survivors" else "survivor_id"
                seen = attempt(connection, f"select distinct {column} from {table}")
                # A safety hold hides her hearings from the second.
                hidden = table in ("app.hearings", "app.hearing_confirmations")
                hers = [] if me == second and hidden else [(me.survivor,)]
                assert seen in (hers, REFUSED), table


def test_a_social_worker_never_reads_who_a_colleagues_survivor_is(wall: Wall) -> None:
    hers, ours = (wall.id("app.survivors", "cbo-a", label) for label in ("hers", "ours"))
    for number, survivor in ((1, hers), (2, ours)):
        with wall.acting(wall.member("cbo-a", Role.SOCIAL_WORKER, number)) as connection:
            for table in ("app.survivor_identities", "app.survivor_keys", "app.case_note_texts"):
                assert attempt(connection, f"select survivor_id from {table}") == [(survivor,)]


def test_only_a_case_manager_ever_opens_assigns_or_refers(wall: Wall) -> None:
    assert privileges(
        wall,
        list(Role),
        ["app.survivors", "app.case_assignments", "app.referrals", "app.survivor_keys"],
        ["insert", "update"],
    ) == {
        "case_manager insert app.survivors",
        "case_manager insert app.survivor_keys",
        "case_manager insert app.case_assignments",
        "case_manager update app.case_assignments",
        "case_manager insert app.referrals",
        "case_manager update app.referrals",
    }


def test_a_referral_is_never_answered_by_who_sent_it(wall: Wall) -> None:
    writers = privileges(wall, list(Role), RECEIVERS_OWN, COMMANDS)
    assert {writer.split()[0] for writer in writers} == {"destination_admin", "destination_worker"}


def test_a_step_of_a_referral_is_never_written_by_anybody(wall: Wall) -> None:
    """It is kept where it is taken, and stays."""
    commands = ["insert", "update", "delete", "truncate"]
    assert privileges(wall, list(Role), ["app.referral_steps"], commands) == set()


def test_what_a_receiver_has_said_done_and_given_to_whom_is_never_changed_by_anybody(wall: Wall) -> None:
    tables = ["app.referral_answers", "app.referral_updates", "app.referral_assignments"]
    assert privileges(wall, list(Role), tables, ["update", "delete", "truncate"]) == set()


def test_a_destination_never_sees_more_than_its_doors_and_the_directory(wall: Wall) -> None:
    seen = privileges(wall, ["destination_admin", "destination_worker"], metadata.tables, ["select"])
    administered = {
        f"destination_admin select app.{name}"
        for name in ("agreements", "clients", "client_keys", "invitations")
    }
    assert {line.split()[2] for line in seen - administered} == {
        "app.memberships",
        "app.organisations",
        "app.places",
        "app.replays",
        "app.referral_answers",
        "app.referral_hearings",
        "app.referral_updates",
        "app.referral_assignments",
        "app.referral_changes",
        "app.transitions",
    }
    for role in (Role.DESTINATION_ADMIN, Role.DESTINATION_WORKER):
        with wall.acting(wall.member("goa", role)) as connection:
            assert attempt(connection, "select slug from app.organisations") == [("goa",)]


def test_whoever_leads_an_organisation_never_writes_in_its_cases(wall: Wall) -> None:
    """But that she has looked at what was shared without consent: approved it, ended it, or reviewed it."""
    assert privileges(wall, ["organisation_admin"], OF_SURVIVORS, ["insert", "update"]) == {
        "organisation_admin update app.legal_bases"
    }


def test_the_secretariat_never_reads_a_row_of_another_organisation(wall: Wall) -> None:
    for role in (Role.SECRETARIAT_ADMIN, Role.SECRETARIAT_ANALYST, Role.AUDITOR):
        with wall.acting(wall.member("secretariat", role)) as connection:
            for name, table in metadata.tables.items():
                if "organisation_id" in table.c:
                    others = (
                        f"select 1 from {name} where organisation_id <> '{wall.organisation('secretariat')}'"
                    )
                    assert attempt(connection, others) in ([], REFUSED), name


def test_a_consent_is_never_changed_by_anybody(wall: Wall) -> None:
    """It is widened by another and ended by a withdrawal, which nobody takes back."""
    tables = ["app.consents", "app.consent_withdrawals", "app.barred_guardians"]
    assert privileges(wall, list(Role), tables, ["update", "delete", "truncate"]) == set()


def test_a_survivor_never_agrees_for_another_or_as_another(wall: Wall) -> None:
    first, second = (wall.member("cbo-a", Role.SURVIVOR, number) for number in (1, 2))
    given = {**wall.rows["app.consents"]["cbo-a"]["hers"], "created_by": first.person}
    for changes, outcome in (
        ({}, [(1,)]),
        ({"survivor_id": second.survivor}, REFUSED),
        ({"giver": "GUARDIAN", "mode": "SIGNATURE", "evidence": "1"}, REFUSED),
        ({"mode": "SIGNATURE", "evidence": "1"}, REFUSED),
    ):
        row = {**given, **changes, "id": named(repr(changes))}
        with wall.acting(first) as connection:
            columns, marks = ", ".join(row), ", ".join(["%s"] * len(row))
            statement = f"insert into app.consents ({columns}) values ({marks})"
            assert attempt(connection, statement, list(row.values())) == outcome, changes


def test_what_a_partner_has_signed_is_never_written_or_read_but_through_the_door(wall: Wall) -> None:
    writers = privileges(wall, list(Role), ["app.agreements"], COMMANDS)
    assert {line.split()[0] for line in writers} == {"organisation_admin", "destination_admin"}
    assert not {line for line in writers if line.split()[1] in ("delete", "truncate")}
    with wall.acting(wall.member("goa", Role.DESTINATION_ADMIN)) as connection:
        theirs = attempt(connection, "select distinct organisation_id from app.agreements")
        assert theirs == [(wall.organisation("goa"),)]


def test_the_table_of_steps_is_never_written_by_an_application(wall: Wall) -> None:
    assert privileges(wall, list(Role), ["app.transitions"], [c for c in COMMANDS if c != "select"]) == set()

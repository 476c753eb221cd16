"""A row of another organisation and a row that does not exist answer alike: same error, same words but for the id asked about."""

from __future__ import annotations

from uuid import UUID, uuid4

import psycopg
import pytest
from tests.support.people import Member, Row, named
from tests.support.wall import Connection, Wall, insert

from pat_auth.policy import Role
from pat_platform.database.models import TableKind
from pat_tenants.tables import metadata

TENANT = [t for t in metadata.sorted_tables if t.info["kind"] is TableKind.TENANT]
REFERENCES = [
    (table.fullname, key.name, tuple(column.name for column in key.columns))
    for table in TENANT
    for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
    if len(key.columns) > 1
]


GROUNDS = {"consent_id": "consents", "basis_id": "legal_bases"}
"""What a referral stands on: a draft, on nothing yet."""


def refusal(connection: Connection, table: str, row: Row) -> str | None:
    """The whole error with which a row is refused; None where it gets in."""
    try:
        with connection.transaction(force_rollback=True):
            insert(connection, table, row)
            connection.execute("set constraints all immediate")
    except psycopg.Error as error:
        return "\n".join(
            str(part)
            for part in (
                error.sqlstate,
                error.diag.message_primary,
                error.diag.message_detail,
                error.diag.message_hint,
                error.diag.constraint_name,
            )
        )
    return None


def rewritten(row: Row, member: Member, **values: object) -> dict[str, object]:
    """A row of cbo-a as a member of cbo-b would write it into her own organisation."""
    mine = {"organisation_id": member.organisation, "created_by": member.person, "updated_by": member.person}
    return {**{name: mine.get(name, value) for name, value in row.items()}, **values}


def writer(wall: Wall, table: str) -> Member:
    """Whoever of cbo-b may insert into the table."""
    for role in (
        Role.CASE_MANAGER,
        Role.SHG_FACILITATOR,
        Role.DESTINATION_WORKER,
        Role.ORGANISATION_ADMIN,
    ):
        may = wall.admin.execute(
            "select has_table_privilege(%s, %s, 'insert')", (f"pat_{role}", table)
        ).fetchone()
        if may == (True,):
            return wall.member("cbo-b", role)
    pytest.skip("no application role inserts here")


@pytest.mark.parametrize(("table", "key", "columns"), REFERENCES)
def test_a_reference_to_anothers_row_is_refused_like_one_to_nothing(
    wall: Wall, table: str, key: str, columns: tuple[str, ...]
) -> None:
    """Every id of the reference is either one of cbo-a's, or made up."""
    member = writer(wall, table)
    fresh = {"id": uuid4()} if "id" in metadata.tables[table].c else {}
    rows = wall.rows[table]["cbo-a"]
    label = next(label for label in ("exchanged", "ours", *rows) if label in rows)
    foreign = rewritten(rows[label], member, **fresh)
    asked = [name for name in columns if name not in ("organisation_id", "referral_organisation_id")]
    for name in GROUNDS.keys() & set(asked):
        # Of hers but for that: a draft, which nothing else refuses.
        ground = {name: named("cbo-a", GROUNDS[name], "ours"), "received_id": uuid4()}
        foreign, asked = rewritten(wall.rows[table]["cbo-b"]["ours"], member, **fresh, **ground), [name]
    made_up = {**foreign, **{name: uuid4() for name in asked}}
    with wall.acting(member) as connection:
        answers = []
        for row in (foreign, made_up):
            text = refusal(connection, table, row)
            assert text is not None
            for name in asked:
                text = text.replace(str(row[name]), name)
            answers.append(text)
    assert answers[0] == answers[1]


def test_ids_and_codes_of_another_organisation_can_be_used_again(wall: Wall) -> None:
    """Where a key would say "taken", it would say that the row exists. So every row of cbo-a may be cbo-b's too."""
    member = wall.member("cbo-b", Role.CASE_MANAGER)
    with wall.admin.transaction(force_rollback=True):
        # They are named by whom they are with, or against, as hers with the same partners are.
        for named_by_partner in ("agreements", "partner_suspensions"):
            gone = f"delete from app.{named_by_partner} where organisation_id = %s"
            wall.admin.execute(gone.encode(), (member.organisation,))
        for table in TENANT:
            # What triggers alone write has no row of its own.
            for label, row in wall.rows.get(table.fullname, {}).get("cbo-a", {}).items():
                # Nobody has an agreement with herself, nor a referral.
                with_whom = (row.get("partner_id"), row.get("hearing_organisation_id"))
                if label != "exchanged" and member.organisation not in with_whom:
                    insert(wall.admin, table.fullname, rewritten(row, member))


@pytest.mark.parametrize(
    "statement",
    [
        "select id from app.cases where id = %(id)s",
        "select id from app.cases where id = %(id)s for update",
        "update app.cases set risk_level = 'LOW', updated_by = (select sec.actor()) where id = %(id)s",
        "update app.case_assignments set ended_at = now() where case_id = %(id)s",
        "insert into app.case_notes (organisation_id, id, case_id, survivor_id, kind, created_by)"
        " select organisation_id, gen_random_uuid(), id, survivor_id, 'LEGAL', sec.actor() from app.cases where id = %(id)s",
    ],
)
def test_an_unknown_id_and_anothers_id_answer_alike(wall: Wall, statement: str) -> None:
    def answer(id: UUID) -> object:
        with wall.acting(wall.member("cbo-b", Role.CASE_MANAGER)) as connection:
            cursor = connection.execute(statement.encode(), {"id": id})
            return cursor.statusmessage, cursor.fetchall() if cursor.description else None

    assert answer(wall.id("app.cases", "cbo-a", "hers")) == answer(uuid4())
    assert answer(wall.id("app.cases", "cbo-b", "hers")) != answer(uuid4())


_OF_REFERRAL = (
    "referral_organisation_id = %(other)s and referral_id >= '00000000-0000-0000-0000-000000000000'"
)
COUNTED = [
    ("delhi", Role.DESTINATION_WORKER, "referral_answers", _OF_REFERRAL),
    ("delhi", Role.DESTINATION_WORKER, "referral_hearings", _OF_REFERRAL),
    ("delhi", Role.DESTINATION_WORKER, "referral_updates", _OF_REFERRAL),
    ("delhi", Role.DESTINATION_ADMIN, "referral_assignments", _OF_REFERRAL),
    ("delhi", Role.DESTINATION_WORKER, "referral_changes", "changed_at <= now()"),
    ("cbo-b", Role.CASE_MANAGER, "referrals", "to_organisation_id = %(receiver)s"),
    ("cbo-b", Role.CASE_MANAGER, "consents", "recipient_id = %(receiver)s"),
    ("cbo-b", Role.CASE_MANAGER, "legal_bases", "recipient_id = %(receiver)s"),
    ("cbo-b", Role.ORGANISATION_ADMIN, "agreements", "partner_id = %(receiver)s"),
]
"""Who asks for rows by an index that others' are in as well."""


@pytest.mark.parametrize(("slug", "role", "table", "condition"), COUNTED)
def test_explaining_a_query_by_an_index_counts_no_row_of_others(
    wall: Wall, slug: str, role: Role, table: str, condition: str
) -> None:
    member = wall.member(slug, role)
    given = {"other": wall.organisation("cbo-a"), "receiver": wall.organisation("goa")}
    others = f"select count(*) from app.{table} where {condition} and organisation_id <> %(mine)s".encode()
    counted = wall.admin.execute(others, {**given, "mine": member.organisation}).fetchone()
    assert counted is not None
    assert counted[0] > 0
    with wall.acting(member) as connection:
        connection.execute("set local enable_seqscan = off")
        explained = connection.execute(
            f"explain (analyze, costs off, timing off) select 1 from app.{table} where {condition}".encode(),
            given,
        ).fetchall()
    plan = [line for (line,) in explained]
    # Found by her organisation, what is left out is her own.
    is_by_hers = any("Cond: " in line and "organisation_id = (InitPlan" in line for line in plan)
    assert is_by_hers or not [line for line in plan if "Rows Removed" in line], plan

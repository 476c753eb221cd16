"""Nobody who reads the database learns who a survivor or a member of a group is."""

import psycopg
from psycopg import sql
from tests.demo.conftest import Demo

from pat_server.demo import names
from pat_server.demo.cases import case_stories
from pat_server.demo.groups import group_stories

TEXTS = """
select c.table_schema, c.table_name, c.column_name, c.data_type from information_schema.columns c
join information_schema.tables t using (table_schema, table_name)
where c.table_schema in ('app', 'sec', 'trail') and t.table_type = 'BASE TABLE'
and c.data_type in ('text', 'bytea', 'jsonb', 'json', 'ARRAY', 'character varying')
"""


def secrets_of(demo: Demo) -> set[str]:
    """Every name, telephone number, birth date and address, and what was written about them."""
    cases = case_stories(demo.day)
    found = {*names.SURVIVOR_FIRST, *names.SURVIVOR_SECOND}
    for case in [case for several in cases.values() for case in several]:
        identity = case.identity
        found |= {str(identity.phone), str(identity.birth_date), str(identity.address)}
        found |= {str(identity.phone).replace(" ", ""), str(identity.phone).replace(" ", "")[3:]}
        found |= {note.text for note in case.notes}
    for group in [group for several in group_stories(cases, demo.day).values() for group in several]:
        found |= {member.name for member in group.members}
    return found


def everything_stored(demo: Demo) -> dict[str, bytes]:
    """All texts and bytes of every column, as a superuser reads them."""
    stored = {}
    with psycopg.connect(demo.url) as connection:
        for schema, table, column, kind in connection.execute(TEXTS).fetchall():
            value = sql.SQL("{}" if kind == "bytea" else "convert_to({}::text, 'UTF8')").format(
                sql.Identifier(column)
            )
            query = sql.SQL("select string_agg({}, '\\x0a') from {}").format(
                value, sql.Identifier(schema, table)
            )
            row = connection.execute(query).fetchone()
            stored[f"{schema}.{table}.{column}"] = (row and row[0]) or b""
    return stored


def test_no_identity_stands_in_any_column(demo: Demo) -> None:
    secrets = {secret.encode() for secret in secrets_of(demo)}
    stored = everything_stored(demo)
    assert len(secrets) > 500
    assert len(stored) > 50
    assert len(stored["app.survivor_identities.first_name"]) > 164 * 32
    found = {column for column, content in stored.items() for secret in secrets if secret in content}
    assert found == set()


def test_the_search_would_find_what_is_there(demo: Demo) -> None:
    assert b"Doyel Nirman Samity" in everything_stored(demo)["app.organisations.name"]


async def test_identities_open_with_the_keys(demo: Demo) -> None:
    rows = demo.rows(
        "select c.code, s.organisation_id, s.survivor_id, k.wrapped, s.first_name from app.survivor_identities s"
        " join app.survivor_keys k using (organisation_id, survivor_id) join app.cases c using (organisation_id, survivor_id)"
    )
    opened = {}
    for code, organisation, survivor, wrapped, sealed in rows:
        value = ["survivor_identities", "first_name", str(survivor), None, wrapped.hex(), sealed.hex()]
        [opened[code]] = await demo.vault.unseal(organisation, [value])
    told = {
        case.code: case.identity.first_name for several in case_stories(demo.day).values() for case in several
    }
    assert opened == told


def test_staff_and_survivors_share_no_name() -> None:
    staff = {*names.STAFF_FIRST, *names.STAFF_SECOND}
    assert staff.isdisjoint({*names.SURVIVOR_FIRST, *names.SURVIVOR_SECOND})

"""Puts the wall up: drops what stands, then applies ``policies.sql``."""

from __future__ import annotations

from psycopg import Connection

from pat_tenants.isolation.roles import APPLICATION_ROLES, DOOR_OWNERS, GROUP, OWNERS, SERVICE_LOGINS

_DROP_VIEWS = """
do $$ declare v record; begin
    for v in select schemaname, viewname, viewowner from pg_views where schemaname = 'door' loop
        execute format('set local role %I', v.viewowner);
        execute format('drop view if exists %I.%I cascade', v.schemaname, v.viewname);
        reset role;
    end loop;
end $$"""

_DROP_POLICIES = """
do $$ declare p record; begin
    for p in select schemaname, tablename, policyname from pg_policies where schemaname = '{schema}' loop
        execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename);
    end loop;
end $$"""


_TABLES = """
select string_agg(format('%%I.%%I', schemaname, tablename), ', ' order by tablename) from pg_tables
where schemaname = %s and tableowner = %s"""


def close_gate(connection: Connection) -> None:
    """Lock the sessions, which every transaction of a request enters through before it touches anything else.

    Those that are under way are waited for; those that come later wait, and hold nothing that we need.
    """
    connection.execute("set local role pat_sec")
    if connection.execute("select to_regclass('sec.sessions')::text").fetchone() != (None,):
        connection.execute("lock table sec.sessions in access exclusive mode")
    connection.execute("reset role")


def take_tables(connection: Connection) -> None:
    """Take the doors down and lock every table, so that nothing that follows has to wait."""
    connection.execute(_DROP_VIEWS)
    for schema, owner in OWNERS.items():
        row = connection.execute(_TABLES, (schema, owner)).fetchone()
        if row is not None and row[0] is not None:
            connection.execute(f"set local role {owner}")
            connection.execute(f"lock table {row[0]} in access exclusive mode")
            connection.execute("reset role")


def apply_wall(connection: Connection, policies: str) -> None:
    """Replace every policy, grant and door by what ``policies`` says, inside the caller's transaction."""
    connection.execute(_DROP_VIEWS)
    everyone = (GROUP, *APPLICATION_ROLES, *DOOR_OWNERS, *SERVICE_LOGINS, "pat_sec", "pat_trail", "public")
    for schema, owner in OWNERS.items():
        others = ", ".join(name for name in everyone if name != owner)
        connection.execute(f"set local role {owner}")
        connection.execute(_DROP_POLICIES.format(schema=schema))
        connection.execute(f"revoke all on all tables in schema {schema} from {others}")
        connection.execute(f"revoke all on all functions in schema {schema} from {others}")
        connection.execute(f"revoke all on schema {schema} from {others}")
        connection.execute("reset role")
    connection.execute(policies)

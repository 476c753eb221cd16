"""Puts the wall up: drops what stands, applies ``policies.sql``, closes what PostgreSQL leaves open by default."""

from __future__ import annotations

from psycopg import Connection
from psycopg import errors as postgres_errors

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


def apply_wall(connection: Connection, policies: str) -> None:
    """Replace every policy, grant and door by what ``policies`` says, inside the caller's transaction."""
    connection.execute(_DROP_VIEWS)
    everyone = ", ".join(
        (GROUP, *APPLICATION_ROLES, *DOOR_OWNERS, *SERVICE_LOGINS, "pat_sec", "pat_trail", "public")
    )
    for schema, owner in OWNERS.items():
        others = ", ".join(name for name in everyone.split(", ") if name != owner)
        connection.execute(f"set local role {owner}")
        connection.execute(_DROP_POLICIES.format(schema=schema))
        connection.execute(f"revoke all on all tables in schema {schema} from {others}")
        connection.execute(f"revoke all on all functions in schema {schema} from {others}")
        connection.execute(f"revoke all on schema {schema} from {others}")
        connection.execute("reset role")
    connection.execute(policies)


_REFUSED_BY_DEFAULT = """
do $$ declare f regprocedure; begin
    for f in select oid from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace
        and (proname ~ '^(lo_|lowrite|loread)' or proname ~ 'advisory' or proname = 'pg_notify')
    loop execute format('revoke execute on function %s from public', f); end loop;
end $$"""

# Row counts and estimates of a table tell about every organisation's rows together.
_HIDE_COUNTS = """
do $$ begin
    revoke select on pg_catalog.pg_class from public;
    execute (
        select format('grant select (%s) on pg_catalog.pg_class to public', string_agg(quote_ident(attname), ', '))
        from pg_attribute where attrelid = 'pg_catalog.pg_class'::regclass and not attisdropped
        and attnum > 0 and attname not in ('reltuples', 'relpages', 'relallvisible', 'relallfrozen'));
end $$"""

_HIDE_ESTIMATES = """
do $$ declare c record; begin
    for c in select attrelid::regclass as relation, attname from pg_attribute a join pg_class t on t.oid = a.attrelid
        where t.relnamespace = 'app'::regnamespace and t.relkind = 'r' and attnum > 0 and not attisdropped
        and attname in ('place_id', 'status', 'stage', 'risk_level', 'exploitation', 'birth_year', 'gender', 'created_by', 'person_id')
    loop execute format('alter table %s alter column %I set statistics 0', c.relation, c.attname); end loop;
end $$"""


def harden(connection: Connection) -> list[str]:
    """Close what PostgreSQL leaves open to every role. Returns a sentence for each thing that this server does not let us close."""
    open_still = []
    database = connection.info.dbname
    steps = {
        "any role may connect and make temporary tables": f'revoke all on database "{database}" from public',
        "the schema public is open": "revoke all on schema public from public",
        "large objects, advisory locks and pg_notify are open to every role": _REFUSED_BY_DEFAULT,
        "row counts of whole tables can be read from pg_class": _HIDE_COUNTS,
        "estimates show how often a value occurs in the whole network": f"set local role pat_owner; {_HIDE_ESTIMATES}; reset role",
    }
    for sentence, statement in steps.items():
        try:
            with connection.transaction():
                connection.execute(statement)
        except postgres_errors.InsufficientPrivilege:
            open_still.append(sentence)
    names = ", ".join((GROUP, *SERVICE_LOGINS))
    connection.execute(f'grant connect on database "{database}" to {names}')
    return open_still

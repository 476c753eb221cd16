"""Mutants of privileges: every one taken away, and the plausible ones given besides."""

from __future__ import annotations

from collections.abc import Iterator

from tests.prove.mutant import Mutant, in_catalogue
from tests.prove.policies import SCHEMAS
from tests.support.wall import Connection

# Every privilege that is not its owner's by owning the object: of relations, columns, functions, schemas and the database.
_HELD = f"""
with relations as (
    select c.oid, c.oid::regclass::text as name, c.relowner as owner, c.relacl
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in {SCHEMAS} and c.relkind in ('r', 'p', 'v')
), held as (
    select 'table' as kind, r.name, '' as part, r.name as object, r.owner, a.* from relations r, aclexplode(r.relacl) a
    union all
    select 'table', r.name, ' (' || quote_ident(b.attname) || ')', r.name, r.owner, a.*
    from relations r join pg_attribute b on b.attrelid = r.oid, aclexplode(b.attacl) a
    union all
    select 'function', p.oid::regprocedure::text, '', n.nspname || '.' || p.proname, p.proowner, a.*
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace, aclexplode(p.proacl) a where n.nspname in {SCHEMAS}
    union all
    select 'schema', n.nspname, '', n.nspname, n.nspowner, a.* from pg_namespace n, aclexplode(n.nspacl) a
    where n.nspname in {SCHEMAS}
    union all
    select 'database', d.datname, '', d.datname, d.datdba, a.* from pg_database d, aclexplode(d.datacl) a
    where d.datname = current_database()
)
select h.kind, h.name, h.part, h.object, r.rolname, lower(h.privilege_type), h.is_grantable
from held h join pg_roles r on r.oid = h.grantee where h.grantee <> h.owner order by 1, 2, 3, 5, 6"""

# What each role of ours does not hold, of what it could be given by mistake; ``public`` and the group stand for all privileges.
_MISSING = f"""
with grantees as (
    select rolname::text as name, oid, rolname ~ '^pat_service_' as is_service from pg_roles where rolname ~ '^pat_'
    union all select 'public', 0, false
), relations as (
    select c.oid::regclass::text as name, c.relkind, c.relowner, c.relacl
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in {SCHEMAS} and c.relkind in ('r', 'p', 'v')
)
select c.name, g.name, lower(k.command), (
    select string_agg(quote_ident(b.attname), ', ') from pg_attribute b, aclexplode(b.attacl) a
    where b.attrelid = c.name::regclass and a.grantee = g.oid and a.privilege_type = k.command)
from relations c cross join grantees g
cross join (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER'), ('MAINTAIN')) k(command)
where g.oid <> c.relowner
and (k.command = 'SELECT' or c.relkind <> 'v' and k.command in ('INSERT', 'UPDATE', 'DELETE') or g.name in ('public', 'pat_application'))
and not exists (select from aclexplode(c.relacl) a where a.grantee = g.oid and a.privilege_type = k.command)
order by 1, 2, 3"""

# Columns that a role does not hold, of tables of which it holds others under the same command.
_MISSING_COLUMNS = f"""
with held as (
    select distinct c.oid, c.oid::regclass::text as name, a.grantee, a.privilege_type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute b on b.attrelid = c.oid, aclexplode(b.attacl) a
    where n.nspname in {SCHEMAS} and c.relkind in ('r', 'p') and a.grantee <> c.relowner
)
select h.name, quote_ident(b.attname), r.rolname, lower(h.privilege_type)
from held h join pg_roles r on r.oid = h.grantee join pg_attribute b on b.attrelid = h.oid and b.attnum > 0 and not b.attisdropped
where not exists (
    select from aclexplode(b.attacl) a where a.grantee = h.grantee and a.privilege_type = h.privilege_type)
order by 1, 2, 3, 4"""

_MISSING_CALLS = f"""
with grantees as (
    select rolname::text as name, oid from pg_roles where rolname ~ '^pat_' union all select 'public', 0
)
select 'function', p.oid::regprocedure::text, 'execute', g.name
from pg_proc p join pg_namespace n on n.oid = p.pronamespace cross join grantees g
where n.nspname in {SCHEMAS} and g.oid <> p.proowner
and not exists (select from aclexplode(p.proacl) a where a.grantee = g.oid)
and not (g.name ~ '^pat_' and pg_has_role(nullif(g.name, 'public')::regrole, 'pat_application', 'usage')
    and exists (select from aclexplode(p.proacl) a where a.grantee = 'pat_application'::regrole))
union all
select 'schema', n.nspname, lower(k.command), g.name
from pg_namespace n cross join grantees g cross join (values ('USAGE'), ('CREATE')) k(command)
where n.nspname in {SCHEMAS} and g.oid <> n.nspowner
and not exists (select from aclexplode(n.nspacl) a where a.grantee = g.oid and a.privilege_type = k.command)
and not (k.command = 'USAGE' and g.name ~ '^pat_' and pg_has_role(nullif(g.name, 'public')::regrole, 'pat_application', 'usage')
    and exists (select from aclexplode(n.nspacl) a where a.grantee = 'pat_application'::regrole and a.privilege_type = 'USAGE'))
order by 1, 2, 3, 4"""


def mutants(connection: Connection) -> Iterator[Mutant]:
    """Every mutant of the privileges that the catalogue gives rise to."""
    yield from _taken(connection)
    yield from _given_on_tables(connection)
    yield from _given_on_columns(connection)
    for kind, name, privilege, grantee in connection.execute(_MISSING_CALLS.encode()).fetchall():
        yield _given(f"{privilege} on {kind} {name}", grantee, name, f"{kind} granted")


def _taken(connection: Connection) -> Iterator[Mutant]:
    for kind, name, part, bare, role, privilege, is_grantable in connection.execute(
        _HELD.encode()
    ).fetchall():
        what = f"{privilege}{part} on {kind} {name}"
        option = " with grant option" if is_grantable else ""
        change = in_catalogue(f"revoke {what} from {role} cascade", f"grant {what} to {role}{option}")
        yield Mutant(f"{kind} revoked", f"{what} from {role}", change, frozenset({bare, role, privilege}))


def _given_on_tables(connection: Connection) -> Iterator[Mutant]:
    for table, grantee, privilege, columns in connection.execute(_MISSING.encode()).fetchall():
        # To revoke a privilege on a table is to revoke it on its columns too.
        again = (f"grant {privilege} ({columns}) on table {table} to {grantee}",) if columns else ()
        yield _given(f"{privilege} on table {table}", grantee, table, "table granted", *again)


def _given_on_columns(connection: Connection) -> Iterator[Mutant]:
    for table, column, role, privilege in connection.execute(_MISSING_COLUMNS.encode()).fetchall():
        yield _given(f"{privilege} ({column}) on table {table}", role, table, "column granted")


def _given(what: str, grantee: str, name: str, kind: str, *again: str) -> Mutant:
    change = in_catalogue(f"grant {what} to {grantee}", (f"revoke {what} from {grantee}", *again))
    is_structural = not is_application(grantee)
    hints = frozenset({name, grantee, what.split()[0]})
    return Mutant(kind, f"{what} to {grantee}", change, hints, is_structural=is_structural)


def is_application(grantee: str) -> bool:
    """Whether somebody who signs in would hold it; owners, doors and services are the lint's to watch."""
    return grantee not in ("pat_owner", "pat_sec", "pat_trail") and not grantee.startswith(
        ("pat_door_", "pat_service_")
    )

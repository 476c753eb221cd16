"""Mutants of roles and of what the hardening closed: powers, memberships, functions and statistics of PostgreSQL itself."""

from __future__ import annotations

from collections.abc import Iterator

from tests.prove.mutant import Mutant, in_catalogue
from tests.support.wall import Connection

from pat_tenants.isolation.roles import DOOR_OWNERS

_ROLES = "select rolname, rolcanlogin, rolcreaterole from pg_roles where rolname ~ '^(org|pat)_' order by 1"

_POWERS = ("superuser", "bypassrls", "createrole", "createdb", "replication")

_MEMBERSHIPS = """
select r.rolname, m.rolname, a.inherit_option, a.set_option from pg_auth_members a
join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member
where m.rolname ~ '^(org|pat)_' and m.rolname !~ '^pat_service_' and not a.admin_option order by 1, 2"""

_ABOVE = (
    *("pat_owner", "pat_sec", "pat_trail"),
    *DOOR_OWNERS,
    *("pg_read_all_data", "pg_write_all_data", "pg_read_all_stats"),
)

# Every application role, and what it must never be a member of: owners, doors, its neighbour, and who reads everything.
_STRANGERS = f"""
select r.name, o.name from (
    select rolname::text as name, lead(rolname::text, 1, 'pat_auditor') over (order by rolname) as neighbour
    from pg_roles r where exists (select from pg_auth_members m where m.member = r.oid and m.roleid = 'pat_application'::regrole)
    and not rolcanlogin
) r cross join lateral (
    values {", ".join(f"('{name}')" for name in _ABOVE)}, (r.neighbour)
) o(name) where o.name <> r.name order by 1, 2"""

# Functions of PostgreSQL that everybody may execute by default, and here nobody may.
_CLOSED = """
select p.oid::regprocedure::text, p.proname::text from pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace and p.proacl is not null
and not exists (select from aclexplode(p.proacl) a where a.grantee = 0)
and not exists (select from pg_init_privs i where i.classoid = 'pg_proc'::regclass and i.objoid = p.oid)
order by 1"""

_COUNTS = """
select quote_ident(attname) from pg_attribute where attrelid = 'pg_catalog.pg_class'::regclass and attnum > 0
and not attisdropped and not has_column_privilege('public', attrelid, attnum, 'select') order by 1"""

_ESTIMATES = """
select a.attrelid::regclass::text, quote_ident(a.attname) from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and a.attstattarget = 0 order by 1, 2"""


def mutants(connection: Connection) -> Iterator[Mutant]:
    """Every mutant of roles and hardening that the catalogue gives rise to."""
    yield from _powers(connection)
    yield from _memberships(connection)
    yield from _reopened(connection)
    yield from _estimates(connection)


def _powers(connection: Connection) -> Iterator[Mutant]:
    for role, can_log_in, may_create_roles in connection.execute(_ROLES.encode()).fetchall():
        powers = [power for power in _POWERS if not (power == "createrole" and may_create_roles)]
        if role.startswith("org_"):
            # Dozens of logins are alike: the two that matter most.
            powers = powers[:2]
        for power in (*powers, *(() if can_log_in else ("login",))):
            yield _role(f"alter role {role} {power}", f"alter role {role} no{power}", f"{role} {power}", role)


def _role(apply: str, undo: str, name: str, role: str) -> Mutant:
    change = in_catalogue(apply, undo)
    return Mutant(
        "role with one power more", name, change, frozenset({role, _of_login(role)}), is_structural=True
    )


def _of_login(role: str) -> str:
    """The role whose login it is, as tests name it."""
    return f"pat_{role[37:]}" if role.startswith("org_") else role


def _memberships(connection: Connection) -> Iterator[Mutant]:
    for role, member, inherits, sets in connection.execute(_MEMBERSHIPS.encode()).fetchall():
        options = f"with inherit {str(inherits).lower()}, set {str(sets).lower()}"
        change = in_catalogue(f"revoke {role} from {member}", f"grant {role} to {member} {options}")
        yield Mutant(
            "membership revoked", f"{member} in {role}", change, frozenset({role, _of_login(member)})
        )
    for member, role in connection.execute(_STRANGERS.encode()).fetchall():
        change = in_catalogue(f"grant {role} to {member}", f"revoke {role} from {member}")
        yield Mutant("membership granted", f"{member} in {role}", change, frozenset({member}))


def _reopened(connection: Connection) -> Iterator[Mutant]:
    for signature, name in connection.execute(_CLOSED.encode()).fetchall():
        change = in_catalogue(
            f"grant execute on function pg_catalog.{signature} to public",
            f"revoke execute on function pg_catalog.{signature} from public",
        )
        yield Mutant("function of PostgreSQL reopened", signature, change, frozenset({name}))
    for (column,) in connection.execute(_COUNTS.encode()).fetchall():
        what = f"select ({column}) on pg_catalog.pg_class"
        change = in_catalogue(f"grant {what} to public", f"revoke {what} from public")
        yield Mutant("counts reopened", what, change)
    database = connection.info.dbname
    for what in (
        f"connect on database {database}",
        f"temporary on database {database}",
        "usage on schema public",
        "create on schema public",
        "usage on schema migrations",
    ):
        change = in_catalogue(f"grant {what} to public", f"revoke {what} from public")
        yield Mutant("default reopened", what, change)


def _estimates(connection: Connection) -> Iterator[Mutant]:
    for table, column in connection.execute(_ESTIMATES.encode()).fetchall():
        alter = f"alter table {table} alter column {column} set statistics"
        change = in_catalogue(f"{alter} default", f"{alter} 0")
        yield Mutant("estimates of a column", f"{table}.{column}", change, frozenset({table}))

"""The catalogue lint: rules that the live database must keep, whoever changed it and however.

It reads ``pg_catalog`` only, so it judges what stands, not what was meant. Exemptions are the closed lists below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from pat_tenants.isolation.reach import ORGANISATION
from pat_tenants.isolation.roles import APPLICATION_ROLES, DOOR_OWNERS, GROUP, OWNERS, SERVICE_LOGINS

REFERENCE_TABLES = ("app.organisations", "app.places")
"""Tables for the whole network; every other table in the schema ``app`` is an organisation's."""

SECOND_REFERENCES = ("fk_referral_answers_referral", "fk_referral_hearings_referral")
"""Foreign keys from a row of one organisation to another's referral: their policies ask the door first."""

KEEPERS = {
    "pat_sec": ("app.memberships",),
    "pat_service_issuer": ("app.memberships", "app.organisations"),
}
"""Readers that the fence does not bind and that own no door, and the only tables of ``app`` that each may read."""

FENCE = f"(organisation_id = {ORGANISATION})"

SCHEMAS = tuple(OWNERS)


@dataclass(frozen=True)
class Finding:
    """One broken rule: its name, and the object that breaks it."""

    rule: str
    object: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.object}"


@dataclass(frozen=True)
class Rule:
    """One rule: a name that reads as a claim about the fault, and a query that returns one text a fault."""

    name: str
    query: str


_TABLES = """
with tables as (
    select c.oid, n.nspname, c.relname, n.nspname || '.' || c.relname as name, c.relrowsecurity, c.relforcerowsecurity,
        n.nspname = 'app' and not n.nspname || '.' || c.relname = any(%(reference)s) as tenant
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname = any(%(schemas)s)
)
"""

_FIRST_COLUMN = (
    "(select attname from pg_attribute a where a.attrelid = {relation} and a.attnum = {numbers}[{first}])"
)

RULES = (
    Rule(
        "table without forced row security",
        _TABLES + "select name from tables where not (relrowsecurity and relforcerowsecurity)",
    ),
    Rule(
        "table without a policy",
        _TABLES
        + "select name from tables t where not exists (select from pg_policy p where p.polrelid = t.oid and p.polpermissive)",
    ),
    Rule(
        "tenant table without the fence",
        _TABLES
        + """select name from tables t where tenant and not exists (
            select from pg_policies p where p.schemaname = t.nspname and p.tablename = t.relname and p.policyname = 'fence'
            and p.permissive = 'RESTRICTIVE' and p.roles = array[%(group)s]::name[] and p.cmd = 'ALL'
            and regexp_replace(p.qual, '\\s+', ' ', 'g') = %(fence)s and regexp_replace(p.with_check, '\\s+', ' ', 'g') = %(fence)s)""",
    ),
    Rule(
        "key that does not begin with organisation_id",
        _TABLES
        + f"""select name || '.' || i.relname from tables t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid
        where tenant and x.indisunique
        and {_FIRST_COLUMN.format(relation="t.oid", numbers="x.indkey", first=0)} is distinct from 'organisation_id'""",
    ),
    Rule(
        "foreign key that does not begin with organisation_id",
        _TABLES
        + f"""select name || '.' || k.conname from tables t join pg_constraint k on k.conrelid = t.oid and k.contype = 'f'
        where tenant and k.conname <> all(%(second)s) and not exists (
            select from tables r where r.oid = k.confrelid and r.name = any(%(reference)s))
        and ({_FIRST_COLUMN.format(relation="t.oid", numbers="k.conkey", first=1)} <> 'organisation_id'
            or {_FIRST_COLUMN.format(relation="k.confrelid", numbers="k.confkey", first=1)} <> 'organisation_id')""",
    ),
    Rule(
        "reference table that points at an organisation's rows",
        _TABLES
        + """select k.conname::text from tables t join pg_constraint k on k.conrelid = t.oid and k.contype = 'f'
        join tables r on r.oid = k.confrelid where not t.tenant and r.tenant""",
    ),
    Rule(
        "trigger",
        _TABLES
        + "select name || '.' || tgname from tables t join pg_trigger g on g.tgrelid = t.oid where not tgisinternal",
    ),
    Rule(
        "function that runs as its owner without a fixed search_path",
        """select p.oid::regprocedure::text from pg_proc p where p.prosecdef and p.pronamespace <> 'pg_catalog'::regnamespace
        and not exists (select from unnest(p.proconfig) c where c like 'search_path=pg_catalog, pg_temp')""",
    ),
    Rule(
        "function that everyone may execute",
        """select p.oid::regprocedure::text from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace and (n.nspname = any(%(schemas)s) or p.prosecdef and n.nspname <> 'pg_catalog'),
        aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0 and a.privilege_type = 'EXECUTE'""",
    ),
    Rule(
        "database where everyone may connect or make temporary tables",
        """select d.datname || ' ' || a.privilege_type from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
        where d.datname = current_database() and a.grantee = 0""",
    ),
    Rule(
        "role that passes row security by",
        "select rolname::text from pg_roles where rolbypassrls and not rolsuper",
    ),
    Rule(
        "role of ours with a power that it does not need",
        """select rolname::text from pg_roles where (rolname ~ '^(org|pat)_')
        and (rolsuper or rolcreatedb or rolreplication or rolcreaterole and rolname <> 'pat_service_migrator')""",
    ),
    Rule(
        "login that is on no list",
        """select rolname::text from pg_roles r where rolcanlogin and not rolsuper and rolname <> current_user
        and rolname <> all(%(services)s) and not exists (select from sec.logins l where l.login = r.rolname)
        and rolname ~ '^(org|pat)_'""",
    ),
    Rule(
        "login that is a member of more than its own role",
        """select l.rolname || ' in ' || r.rolname from pg_auth_members m join pg_roles l on l.oid = m.member
        join pg_roles r on r.oid = m.roleid where l.rolname ~ '^org_[0-9a-f]{32}_'
        and (r.rolname <> 'pat_' || substr(l.rolname, 38) or m.set_option and r.rolname = any(%(owners)s))""",
    ),
    Rule(
        "application role outside the group",
        """select r.rolname::text from pg_roles r where r.rolname = any(%(application)s) and not exists (
        select from pg_auth_members m where m.member = r.oid and m.roleid = %(group)s::regrole)""",
    ),
    Rule(
        "view whose owner is on no list",
        """select v.schemaname || '.' || v.viewname from pg_views v
        where v.schemaname not in ('pg_catalog', 'information_schema') and not (v.schemaname = 'door' and v.viewowner = any(%(doors)s))""",
    ),
    Rule(
        "door without a security barrier",
        """select c.oid::regclass::text from pg_class c where c.relnamespace = 'door'::regnamespace and c.relkind = 'v'
        and not 'security_barrier=true' = any(coalesce(c.reloptions, '{}'))""",
    ),
    Rule("materialized view", "select schemaname || '.' || matviewname from pg_matviews"),
    Rule(
        "table in a schema that is not ours",
        """select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'f') and n.nspname <> all(%(schemas)s)
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'migrations') and n.nspname !~ '^pg_temp'""",
    ),
    Rule(
        "reader that the fence does not bind",
        _TABLES
        + """, held as (
            select distinct t.name, a.grantee from tables t join pg_class c on c.oid = t.oid, aclexplode(c.relacl) a
            where t.nspname = 'app' and a.grantee <> c.relowner
            union
            select distinct t.name, a.grantee from tables t join pg_attribute b on b.attrelid = t.oid, aclexplode(b.attacl) a
            where t.nspname = 'app')
        select coalesce(r.rolname, 'everyone') || ' on ' || h.name from held h left join pg_roles r on r.oid = h.grantee
        where r.rolname is null or not (
            r.rolname = any(%(doors)s) or pg_has_role(r.oid, %(group)s, 'member')
            or exists (select from unnest(%(keeper_roles)s::text[], %(keeper_tables)s::text[]) k(role, name)
                where k.role = r.rolname and k.name = h.name))""",
    ),
    Rule(
        "privilege that no application needs",
        _TABLES
        + """select r.rolname || ' may ' || lower(a.privilege_type) || ' ' || t.name from tables t join pg_class c on c.oid = t.oid,
        aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
        where a.grantee <> c.relowner and (a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE') or a.is_grantable)""",
    ),
    Rule(
        "application role with a privilege outside its schemas",
        _TABLES
        + """select r.rolname || ' on ' || t.name from tables t join pg_class c on c.oid = t.oid, aclexplode(c.relacl) a
        join pg_roles r on r.oid = a.grantee where t.nspname in ('sec', 'trail') and pg_has_role(r.oid, %(group)s, 'member')
        and not r.rolsuper""",
    ),
    Rule(
        "table or function whose owner is not its schema's",
        """select o.name || ' of ' || pg_get_userbyid(o.owner) from (
            select n.nspname, c.oid::regclass::text as name, c.relowner as owner
            from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p')
            union all
            select n.nspname, p.oid::regprocedure::text, p.proowner from pg_proc p join pg_namespace n on n.oid = p.pronamespace) o
        join unnest(%(schemas)s::text[], %(schema_owners)s::text[]) s(schema, owner) on s.schema = o.nspname
        where pg_get_userbyid(o.owner) <> s.owner""",
    ),
)


def lint(connection: Connection[Any]) -> list[Finding]:
    """Judge the database that ``connection`` is open on. Needs a role that may read the catalogue. An empty list means: the wall stands."""
    parameters = {
        "reference": list(REFERENCE_TABLES),
        "schemas": list(SCHEMAS),
        "schema_owners": list(OWNERS.values()),
        "group": GROUP,
        "fence": _as_stored(connection, FENCE),
        "second": list(SECOND_REFERENCES),
        "services": list(SERVICE_LOGINS),
        "doors": list(DOOR_OWNERS),
        "owners": [*OWNERS.values(), *DOOR_OWNERS],
        "application": list(APPLICATION_ROLES),
        "keeper_roles": [role for role, tables in KEEPERS.items() for _ in tables],
        "keeper_tables": [table for tables in KEEPERS.values() for table in tables],
    }
    run: Callable[[Rule], list[tuple[str]]] = lambda rule: connection.execute(
        rule.query, parameters
    ).fetchall()  # noqa: E731
    return [Finding(rule.name, row[0]) for rule in RULES for row in run(rule)]


def _as_stored(connection: Connection[Any], expression: str) -> str:
    """The expression as PostgreSQL writes it back from the catalogue."""
    return "(organisation_id = ( SELECT (substr((SESSION_USER)::text, 5, 32))::uuid AS substr))"

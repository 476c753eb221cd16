"""Rules about tables: row security, fences, keys, and what else could carry a row past them."""

from __future__ import annotations

from pat_tenants.isolation.lint_rule import Rule

_TABLES = """
with tables as (
    select c.oid, n.nspname, c.relname, n.nspname || '.' || c.relname as name, c.relrowsecurity, c.relforcerowsecurity,
        n.nspname = 'app' and not n.nspname || '.' || c.relname = any(%(reference)s) as tenant
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f') and n.nspname = any(%(schemas)s)
), columns as (
    select attrelid, attnum, attname from pg_attribute where attnum > 0 and not attisdropped
)
"""


def _first(relation: str, numbers: str, position: int) -> str:
    return f"(select attname from columns where attrelid = {relation} and attnum = {numbers}[{position}])"


def _without_policy(where: str, *, name: str, command: str, roles: str, check: str) -> str:
    """Tables that lack one restrictive policy, spelled exactly so."""
    spaces = "regexp_replace({clause}, '\\s+', ' ', 'g')"
    condition = " and ".join(
        f"{spaces.format(clause=f'p.{clause}')} = {wanted}"
        for clause, wanted in (pair.split("=") for pair in check.split())
    )
    return f"""select name from tables t where {where} and not exists (
        select from pg_policies p where p.schemaname = t.nspname and p.tablename = t.relname and p.policyname = '{name}'
        and p.permissive = 'RESTRICTIVE' and p.cmd = '{command}' and p.roles::text[] @> {roles} and p.roles::text[] <@ {roles}
        and {condition})"""


_GROUP = "array[%(group)s::text]"
_GROUP_AND_DOORS = "(array[%(group)s::text] || %(doors)s::text[])"

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
        + _without_policy(
            "tenant", name="fence", command="ALL", roles=_GROUP, check="qual=%(fence)s with_check=%(fence)s"
        ),
    ),
    Rule(
        "table that is open without a session",
        _TABLES
        + _without_policy(
            "nspname = 'app'", name="session", command="ALL", roles=_GROUP_AND_DOORS, check="qual=%(session)s"
        ),
    ),
    Rule(
        "table whose author is not checked",
        _TABLES
        + _without_policy(
            "nspname = 'app' and exists (select from columns c where c.attrelid = t.oid and c.attname = 'created_by')",
            name="author",
            command="INSERT",
            roles=_GROUP,
            check="with_check=%(author)s",
        ),
    ),
    Rule(
        "table whose first writer is not checked",
        _TABLES
        + _without_policy(
            "nspname = 'app' and exists (select from columns c where c.attrelid = t.oid and c.attname = 'updated_by')",
            name="first_signature",
            command="INSERT",
            roles=_GROUP,
            check="with_check=%(first_signature)s",
        ),
    ),
    Rule(
        "table whose last writer is not checked",
        _TABLES
        + _without_policy(
            "nspname = 'app' and exists (select from columns c where c.attrelid = t.oid and c.attname = 'updated_by')",
            name="signature",
            command="UPDATE",
            roles=_GROUP,
            check="with_check=%(signature)s",
        ),
    ),
    Rule(
        "tenant table without a primary key",
        _TABLES
        + "select name from tables t where tenant and not exists (select from pg_index x where x.indrelid = t.oid and x.indisprimary)",
    ),
    Rule(
        "key that does not begin with organisation_id",
        _TABLES
        + f"""select name || '.' || i.relname from tables t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid
        where tenant and (x.indisunique or x.indisexclusion)
        and {_first("t.oid", "x.indkey", 0)} is distinct from 'organisation_id'""",
    ),
    Rule(
        "index that does not begin with organisation_id",
        _TABLES
        + f"""select name || '.' || i.relname from tables t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid
        where tenant and not (x.indisunique or x.indisexclusion)
        and {_first("t.oid", "x.indkey", 0)} is distinct from 'organisation_id'
        and not exists (
            select from unnest(%(index_names)s::text[], %(index_definitions)s::text[]) l(index_name, definition)
            where l.index_name = name || '.' || i.relname and l.definition = pg_get_indexdef(x.indexrelid))""",
    ),
    Rule(
        "foreign key that does not begin with organisation_id",
        _TABLES
        + f"""select name || '.' || k.conname from tables t join pg_constraint k on k.conrelid = t.oid and k.contype = 'f'
        where tenant and not exists (select from tables r where r.oid = k.confrelid and r.name = any(%(reference)s))
        and not exists (
            select from unnest(%(second_names)s::text[], %(second_definitions)s::text[]) s(constraint_name, definition)
            where s.constraint_name = name || '.' || k.conname and s.definition = pg_get_constraintdef(k.oid))
        and ({_first("t.oid", "k.conkey", 1)} <> 'organisation_id' or {_first("k.confrelid", "k.confkey", 1)} <> 'organisation_id')""",
    ),
    Rule(
        "reference table that points at an organisation's rows",
        _TABLES
        + """select t.name || '.' || k.conname from tables t join pg_constraint k on k.conrelid = t.oid and k.contype = 'f'
        join tables r on r.oid = k.confrelid where not t.tenant and r.tenant""",
    ),
    Rule(
        "constraint that is not checked",
        _TABLES
        + """select name || '.' || k.conname from tables t join pg_constraint k on k.conrelid = t.oid where not k.convalidated
        union select name || '.' || g.tgname from tables t join pg_trigger g on g.tgrelid = t.oid where g.tgenabled <> 'O'""",
    ),
    Rule(
        "trigger or rewrite rule",
        _TABLES
        + """select name || '.' || tgname from tables t join pg_trigger g on g.tgrelid = t.oid where not tgisinternal
        and not exists (
            select from unnest(%(trigger_names)s::text[], %(trigger_definitions)s::text[]) l(trigger_name, definition)
            where l.trigger_name = name || '.' || tgname and l.definition = pg_get_triggerdef(g.oid))
        union all select name || '.' || rulename from tables t join pg_rewrite w on w.ev_class = t.oid
        union all select evtname::text from pg_event_trigger""",
    ),
    Rule(
        "table in a schema that is not ours",
        """select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'f') and n.nspname <> all(%(schemas)s) and n.nspname || '.' || c.relname <> all(%(other_tables)s)
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname !~ '^pg_temp'""",
    ),
    Rule(
        "view that is no door",
        """select v.schemaname || '.' || v.viewname from pg_views v
        where v.schemaname not in ('pg_catalog', 'information_schema') and not (v.schemaname = 'door' and v.viewowner = any(%(doors)s))""",
    ),
    Rule(
        "door without a security barrier",
        """select 'door.' || c.relname from pg_class c where c.relnamespace = 'door'::regnamespace and c.relkind = 'v'
        and not 'security_barrier=true' = any(coalesce(c.reloptions, '{}'))""",
    ),
    Rule("materialized view", "select schemaname || '.' || matviewname from pg_matviews"),
    Rule("publication", "select pubname::text from pg_publication"),
    Rule(
        "table or function whose owner is not its schema's",
        """select o.name || ' of ' || pg_get_userbyid(o.owner) from (
            select n.nspname, n.nspname || '.' || c.relname as name, c.relowner as owner
            from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'f', 'S')
            union all
            select n.nspname, p.oid::regprocedure::text, p.proowner from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            union all
            select n.nspname, n.nspname::text, n.nspowner from pg_namespace n) o
        join unnest(%(schemas)s::text[], %(schema_owners)s::text[]) s(schema, owner) on s.schema = o.nspname
        where pg_get_userbyid(o.owner) <> s.owner""",
    ),
)

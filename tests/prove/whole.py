"""Whether the wall, and everything behind it, is as it was."""

from __future__ import annotations

from tests.prove.policies import SCHEMAS
from tests.support.wall import Connection

_SORTED = "(select array_agg(a::text order by a::text) from unnest({}) a)"

# One line for each thing that a mutant changes, or that a test could leave behind.
_LINES = f"""
select p::text from pg_policies p
union all
select concat_ws('|', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner),
    {_SORTED.format("coalesce(c.relacl, acldefault('r', c.relowner))")}, c.reloptions,
    case c.relkind when 'v' then pg_get_viewdef(c.oid) end)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in {SCHEMAS} and c.relkind in ('r', 'p', 'v') or c.oid = 'pg_catalog.pg_class'::regclass
union all
select concat_ws('|', b.attrelid::regclass, b.attname, b.attstattarget, {_SORTED.format("b.attacl")}) from pg_attribute b
join pg_class c on c.oid = b.attrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname in {SCHEMAS} and c.relkind in ('r', 'p', 'v') and b.attnum > 0 or c.oid = 'pg_catalog.pg_class'::regclass
union all
select concat_ws('|', p.oid::regprocedure, pg_get_functiondef(p.oid), p.proleakproof, pg_get_userbyid(p.proowner),
    {_SORTED.format("p.proacl")})
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in {SCHEMAS}
union all
select concat_ws('|', p.oid, {_SORTED.format("p.proacl")}) from pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace and p.proacl is not null
union all
select concat_ws('|', nspname, pg_get_userbyid(nspowner), {_SORTED.format("nspacl")}) from pg_namespace where nspname !~ '^pg_'
union all
select concat_ws('|', datname, {_SORTED.format("datacl")}) from pg_database where datname = current_database()
union all
select concat_ws('|', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated) from pg_constraint k
join pg_namespace n on n.oid = k.connamespace where n.nspname in {SCHEMAS}
union all
select pg_get_indexdef(x.indexrelid) from pg_index x join pg_class c on c.oid = x.indexrelid
join pg_namespace n on n.oid = c.relnamespace where n.nspname in {SCHEMAS}
union all
select concat_ws('|', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls)
from pg_roles
union all
select concat_ws('|', s.setrole::regrole, s.setdatabase, s.setconfig) from pg_db_role_setting s
union all
select concat_ws('|', c.relkind, c.oid::regclass) from pg_class c where c.oid >= 16384 and c.relnamespace <> 'pg_toast'::regnamespace
union all
select concat_ws('|', 'function', p.oid::regprocedure) from pg_proc p where p.oid >= 16384
union all
select concat_ws('|', 'default', d::text) from pg_default_acl d
union all
select concat_ws('|', m.roleid::regrole, m.member::regrole, m.admin_option, m.inherit_option, m.set_option) from pg_auth_members m"""

_TABLES = f"""
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in {SCHEMAS} and c.relkind in ('r', 'p')
and c.oid::regclass::text not in ('app.referral_changes', 'app.referral_steps') order by 1"""
"""What changed about referrals is noted, and which steps they took: the one is forgotten by the days alone, the other never."""

Lines = frozenset[str]


def lines(connection: Connection) -> Lines:
    """The wall as the catalogue has it, and the rows of every table; when sessions end is put off by some tests."""
    found = {line for (line,) in connection.execute(_LINES.encode()).fetchall()}
    tables = [table for (table,) in connection.execute(_TABLES.encode()).fetchall()]
    counted = " union all ".join(
        f"select '{table} ' || count(*) || ' rows ' || coalesce(sum(hashtext((to_jsonb(t) - 'expires_at')::text)), 0) from {table} t"
        for table in tables
    )
    found |= {line for (line,) in connection.execute(counted.encode()).fetchall()}
    return frozenset(found)

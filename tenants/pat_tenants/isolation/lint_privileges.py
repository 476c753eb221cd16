"""Rules about privileges: who may read, execute, create, log in, and whom else each role may become."""

from __future__ import annotations

from pat_tenants.isolation.lint_rule import Rule

# Every privilege on a table or view of ours that its owner does not hold by owning it; column privileges with their column.
_HELD = """
with relations as (
    select c.oid, c.relkind, c.relowner, c.relacl, n.nspname, n.nspname || '.' || c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = any(%(schemas)s)
), held as (
    select c.nspname, c.name, c.relkind, a.grantee, a.privilege_type, a.is_grantable, '*' as column_name
    from relations c, aclexplode(c.relacl) a where a.grantee <> c.relowner
    union all
    select c.nspname, c.name, c.relkind, a.grantee, a.privilege_type, a.is_grantable, b.attname
    from relations c join pg_attribute b on b.attrelid = c.oid, aclexplode(b.attacl) a where a.grantee <> c.relowner
), named as (
    select h.*, coalesce(r.rolname, 'everyone') as role, exists (
        select from unnest(%(held_roles)s::text[], %(held_tables)s::text[], %(held_kinds)s::text[], %(held_columns)s::text[])
            l(role, name, kind, column_name)
        where l.role = r.rolname and l.name = h.name and l.kind = h.privilege_type and l.column_name = h.column_name
    ) as listed
    from held h left join pg_roles r on r.oid = h.grantee
)
select role || ' may ' || lower(privilege_type) || ' ' || name || case column_name when '*' then '' else '.' || column_name end
from named where 
"""

_OURS = "~ '^(org|pat)_'"
_ORGANISATION_LOGIN = "~ '^org_[0-9a-f]{32}_'"

_FUNCTIONS = """
from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a left join pg_roles r on r.oid = a.grantee
"""

RULES = (
    Rule(
        "privilege of a role that is on no list",
        _HELD + "nspname = 'app' and not listed and role <> all(%(application)s)",
    ),
    Rule(
        "privilege that no application needs",
        _HELD
        + """nspname = 'app' and role = any(%(application)s)
        and (privilege_type not in ('SELECT', 'INSERT', 'UPDATE') or is_grantable)""",
    ),
    Rule(
        "privilege on people, sessions or the trail",
        _HELD + "nspname in ('sec', 'trail') and not listed",
    ),
    Rule(
        "door that gives more than reading, or to others than an application role",
        _HELD
        + """nspname = 'door' and (privilege_type <> 'SELECT' or is_grantable or role <> all(%(application)s)
        or name = any(%(hidden_views)s))""",
    ),
    Rule(
        "policy for a role that is on no list",
        """select p.schemaname || '.' || p.tablename || '.' || p.policyname from pg_policies p, unnest(p.roles) p_role
        where p.schemaname = any(%(schemas)s) and p.permissive = 'PERMISSIVE'
        and not (p.schemaname = 'app' and p_role = any(%(application)s))
        and not (p.schemaname in ('sec', 'trail') and p_role = 'pat_' || p.schemaname)
        and not exists (
            select from unnest(%(held_roles)s::text[], %(held_tables)s::text[], %(held_kinds)s::text[]) l(role, name, kind)
            where l.role = p_role and l.name = p.schemaname || '.' || p.tablename
            and (p.cmd = l.kind or p.schemaname <> 'app'))""",
    ),
    Rule(
        "default privilege",
        "select pg_get_userbyid(defaclrole) || ' gives ' || defaclacl::text from pg_default_acl",
    ),
    Rule(
        "function that runs as its owner and is on no list",
        """select p.oid::regprocedure::text from pg_proc p where p.prosecdef and p.pronamespace <> 'pg_catalog'::regnamespace
        and p.oid::regprocedure::text <> all(%(definers)s)""",
    ),
    Rule(
        "function that runs as its owner without a fixed search_path",
        """select p.oid::regprocedure::text from pg_proc p where p.prosecdef and p.pronamespace <> 'pg_catalog'::regnamespace
        and not 'search_path=pg_catalog, pg_temp' = any(coalesce(p.proconfig, '{}'))""",
    ),
    Rule(
        "function that everyone may execute",
        f"""select p.oid::regprocedure::text {_FUNCTIONS}
        where (n.nspname = any(%(schemas)s) or p.prosecdef and n.nspname <> 'pg_catalog') and a.grantee = 0""",
    ),
    Rule(
        "function that may be executed by a role that is on no list",
        f"""select r.rolname || ' on ' || p.oid::regprocedure {_FUNCTIONS}
        where n.nspname = any(%(schemas)s) and a.grantee <> p.proowner and r.rolname {_OURS} and not exists (
            select from unnest(%(called)s::text[], %(callers)s::text[]) l(function, caller)
            where l.function = p.oid::regprocedure::text and l.caller = r.rolname)""",
    ),
    Rule(
        "function that claims to leak nothing",
        "select p.oid::regprocedure::text from pg_proc p where p.proleakproof and p.pronamespace <> 'pg_catalog'::regnamespace",
    ),
    Rule(
        "extension or foreign server that is on no list",
        """select extname::text from pg_extension where extname <> all(%(extensions)s)
        union all select srvname::text from pg_foreign_server""",
    ),
    Rule(
        "database where everyone may connect or make temporary tables",
        """select d.datname || ' ' || a.privilege_type from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
        where d.datname = current_database() and a.grantee = 0""",
    ),
    Rule(
        "role that may create what is not its to create",
        """select r.rolname || ' may ' || lower(a.privilege_type) || ' in ' || d.datname from pg_database d, aclexplode(d.datacl) a
        join pg_roles r on r.oid = a.grantee where d.datname = current_database() and a.grantee <> d.datdba
        and (a.privilege_type = 'TEMPORARY' or a.privilege_type = 'CREATE' and r.rolname <> %(migrator)s)
        union all
        select coalesce(r.rolname, 'everyone') || ' may create in ' || n.nspname from pg_namespace n, aclexplode(n.nspacl) a
        left join pg_roles r on r.oid = a.grantee where a.privilege_type = 'CREATE' and a.grantee <> n.nspowner""",
    ),
    Rule(
        "role that passes row security by",
        "select rolname::text from pg_roles where rolbypassrls and not rolsuper",
    ),
    Rule(
        "role of ours with a power that it does not need",
        f"""select rolname::text from pg_roles where rolname {_OURS} and (
            rolsuper or rolcreatedb or rolreplication or rolcreaterole and rolname <> %(migrator)s
            or rolcanlogin and (
                rolname = any(%(owners)s::text[] || %(doors)s::text[] || %(application)s::text[]) or rolname = %(group)s))""",
    ),
    Rule(
        "login that is on no list",
        """select r.rolname::text from pg_roles r where r.rolcanlogin and not r.rolsuper and r.rolname <> all(%(services)s)
        and has_database_privilege(r.oid, current_database(), 'connect')
        and not exists (select from pg_database d where d.datname = current_database() and d.datdba = r.oid)
        and not exists (select from sec.logins l where l.login = r.rolname)""",
    ),
    Rule(
        "membership that is on no list",
        f"""select u.rolname || ' in ' || r.rolname from pg_auth_members m join pg_roles u on u.oid = m.member
        join pg_roles r on r.oid = m.roleid
        where (u.rolname {_OURS} or r.rolname {_OURS}) and not u.rolsuper
        and not (r.rolname = %(group)s and not m.admin_option)
        and not (u.rolname {_ORGANISATION_LOGIN} and r.rolname = 'pat_' || substr(u.rolname, 38) and not m.admin_option)
        and not (
            (u.rolname = %(migrator)s or exists (
                select from pg_database d where d.datname = current_database() and d.datdba = u.oid))
            and not m.inherit_option and r.rolname {_OURS})""",
    ),
    Rule(
        "application role outside the group",
        """select name from unnest(%(application)s::text[]) name where not exists (
        select from pg_auth_members m join pg_roles r on r.oid = m.member
        where r.rolname = name and m.roleid = %(group)s::regrole and m.inherit_option)""",
    ),
)

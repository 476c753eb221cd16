"""Closes what PostgreSQL leaves open to every role by default."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from psycopg import Connection, sql
from psycopg import errors as postgres_errors

from pat_tenants.isolation.roles import MIGRATOR, SERVICE_LOGINS


@dataclass(frozen=True)
class Gap:
    """One thing that is open by default: what it means, the statement that closes it, and whether it is still open."""

    sentence: str
    close: str
    is_open: str


def _functions(sentence: str, pattern: str) -> Gap:
    """Built-in functions that every role may execute, and that only a superuser shall."""
    found = f"pronamespace = 'pg_catalog'::regnamespace and proname ~ '{pattern}'"
    return Gap(
        sentence,
        f"""do $$ declare f regprocedure; begin
            for f in select oid from pg_proc where {found} loop
                execute format('revoke execute on function %s from public', f);
            end loop;
        end $$""",
        f"""select exists (select from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
            where {found} and a.grantee = 0)""",
    )


_COUNTS = ("reltuples", "relpages", "relallvisible", "relallfrozen")

_ESTIMATED = """pg_attribute a join pg_class t on t.oid = a.attrelid
    where t.relnamespace = 'app'::regnamespace and t.relkind = 'r' and a.attnum > 0 and not a.attisdropped
    and a.attstattarget is distinct from 0
    and exists (select from pg_attribute o where o.attrelid = t.oid and o.attname = 'organisation_id')"""

GAPS = (
    Gap(
        "any role may connect to the database and make temporary tables and functions in it",
        """do $$ begin execute format('revoke all on database %I from public', current_database()); end $$""",
        """select exists (select from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
            where d.datname = current_database() and a.grantee = 0)""",
    ),
    Gap(
        "the schema public is open to every role",
        "revoke all on schema public from public",
        """select exists (select from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'public' and a.grantee = 0)""",
    ),
    # Large objects belong to nobody's organisation; locks and notifications are seen by all of them.
    _functions(
        "large objects, advisory locks and pg_notify are open to every role",
        "^(lo_|lowrite|loread)|advisory|^pg_notify$",
    ),
    _functions("every role may end other connections of its own login", "^pg_(cancel|terminate)_backend$"),
    # Counters, sizes, locks and connections are those of all organisations together.
    _functions(
        "the activity and the size of whole tables are open to every role",
        "^pg_stat_get_|^pg_(total_relation|relation|table|indexes|database)_size$|^pg_lock_status$",
    ),
    Gap(
        "row counts of whole tables can be read from pg_class",
        f"""do $$ begin
            revoke select on pg_catalog.pg_class from public;
            execute (
                select format('grant select (%s) on pg_catalog.pg_class to public', string_agg(quote_ident(attname), ', '))
                from pg_attribute where attrelid = 'pg_catalog.pg_class'::regclass and not attisdropped
                and attnum > 0 and attname not in {_COUNTS});
        end $$""",
        "select has_column_privilege('public', 'pg_catalog.pg_class', 'reltuples', 'select')",
    ),
    # Planner estimates are made of every organisation's values: EXPLAIN would tell how often one occurs.
    Gap(
        "estimates show how often a value occurs in the whole network",
        f"""do $$ declare c record; begin
            set local role pat_owner;
            for c in select a.attrelid::regclass as relation, a.attname from {_ESTIMATED} loop
                execute format('alter table %s alter column %I set statistics 0', c.relation, c.attname);
            end loop;
            reset role;
        end $$""",
        f"select exists (select from {_ESTIMATED})",
    ),
)


# Without any statistics the planner takes one row in two hundred for an organisation's, and lists grow five times slower. So it is
# told two things that tell nobody anything: about ten organisations share a table, and ids are unique. ANALYZE leaves them alone.
_HINTS = """do $$ declare c record; begin
    if current_setting('server_version_num')::int >= 180000 then
        set local role pat_owner;
        for c in
            select t.relname, a.attname, case a.attname when 'id' then -1 else 10 end as n_distinct
            from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attname in ('organisation_id', 'id')
            where t.relnamespace = 'app'::regnamespace and t.relkind = 'r'
            and exists (select from pg_attribute o where o.attrelid = t.oid and o.attname = 'organisation_id')
        loop
            perform pg_restore_attribute_stats(
                'schemaname', 'app'::text, 'relname', c.relname::text, 'attname', c.attname::text, 'inherited', false,
                'version', current_setting('server_version_num')::int,
                'null_frac', 0::real, 'avg_width', 16, 'n_distinct', c.n_distinct::real);
        end loop;
        reset role;
    end if;
end $$"""


def harden(connection: Connection) -> list[str]:
    """Close every gap and let the service logins in. Returns a sentence for each gap that this server does not let us close."""
    open_still = []
    for gap in GAPS:
        if _ask(connection, gap.is_open):
            _try(connection, gap.close)
        if _ask(connection, gap.is_open):
            open_still.append(gap.sentence)
    connection.execute(_HINTS)
    _try(connection, f"grant execute on function pg_catalog.pg_advisory_xact_lock(bigint) to {MIGRATOR}")
    for login in SERVICE_LOGINS:
        let_connect(connection, login)
    _hand_over_versions(connection)
    return open_still


def still_open(connection: Connection) -> list[str]:
    """A sentence for each gap that is open now. Changes nothing."""
    return [gap.sentence for gap in GAPS if _ask(connection, gap.is_open)]


def let_connect(connection: Connection, login: str) -> None:
    """Let one login connect to this database: a login that is not named cannot, whatever else it may be a member of."""
    database = connection.info.dbname
    held = "select has_database_privilege(%s, %s, 'connect')"
    row = connection.execute(held, (login, database)).fetchone()
    if row == (True,):
        return
    connection.execute(
        sql.SQL("grant connect on database {} to {}").format(sql.Identifier(database), sql.Identifier(login))
    )


def _hand_over_versions(connection: Connection) -> None:
    """Whoever migrated first, the next migration is the migrator's; the first may come again."""
    owned = "select pg_get_userbyid(relowner) from pg_class where oid = to_regclass('migrations.versions')"
    if connection.execute(owned).fetchone() in (None, (MIGRATOR,)):
        return
    connection.execute(f"grant create on schema migrations to {MIGRATOR}")
    connection.execute(f"alter table migrations.versions owner to {MIGRATOR}")
    connection.execute(f"alter schema migrations owner to {MIGRATOR}")
    first = sql.Identifier(connection.info.user)
    connection.execute(f"set local role {MIGRATOR}")
    connection.execute(sql.SQL("grant usage on schema migrations to {}").format(first))
    connection.execute(
        sql.SQL("grant select, insert, update, delete on migrations.versions to {}").format(first)
    )
    connection.execute("reset role")


def _ask(connection: Connection, question: str) -> bool:
    row = connection.execute(question).fetchone()
    return row == (True,)


def _try(connection: Connection, statement: str) -> None:
    """Run it; what the role may not do stays open, and is asked for afterwards."""
    with suppress(postgres_errors.InsufficientPrivilege), connection.transaction():
        connection.execute(statement)

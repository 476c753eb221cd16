"""Mutants of row security: every policy dropped, weakened condition by condition, narrowed or added; FORCE and ENABLE off."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from tests.prove.conditions import weakened
from tests.prove.mutant import Mutant, in_catalogue
from tests.support.wall import Connection

from pat_tenants.isolation.roles import DOOR_OWNERS

SCHEMAS = "('app', 'sec', 'trail', 'door')"

_POLICIES = f"""
select schemaname || '.' || tablename, policyname, permissive, roles::text[], lower(cmd), qual, with_check
from pg_policies where schemaname in {SCHEMAS} order by 1, 2"""

_TABLES = f"""
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in {SCHEMAS} and c.relkind in ('r', 'p') order by 1"""

# Roles that hold a privilege on a table and are let through by policies: one more policy could let more through.
_OPEN_TO = f"""
select c.oid::regclass::text, r.rolname, k.command
from pg_class c join pg_namespace n on n.oid = c.relnamespace
cross join (values ('select'), ('insert'), ('update'), ('delete')) k(command)
join pg_roles r on exists (
    select from aclexplode(c.relacl) a where a.grantee = r.oid and lower(a.privilege_type) = k.command
    union all
    select from pg_attribute b, aclexplode(b.attacl) a
    where b.attrelid = c.oid and a.grantee = r.oid and lower(a.privilege_type) = k.command)
where n.nspname in {SCHEMAS} and c.relkind in ('r', 'p') and r.oid <> c.relowner
and not exists (
    select from pg_policies p where p.schemaname = n.nspname and p.tablename = c.relname and p.permissive = 'PERMISSIVE'
    and r.rolname = any(p.roles) and lower(p.cmd) in (k.command, 'all')
    and case k.command when 'insert' then coalesce(p.with_check, p.qual) else p.qual end = 'true')
order by 1, 2, 3"""


@dataclass(frozen=True)
class Policy:
    """One policy as the catalogue has it."""

    table: str
    name: str
    permissive: str
    roles: tuple[str, ...]
    command: str
    using: str | None
    check: str | None

    @property
    def full_name(self) -> str:
        return f"{self.table}.{self.name}"

    @property
    def clauses(self) -> str:
        using = f" using ({self.using})" if self.using else ""
        return using + (f" with check ({self.check})" if self.check else "")

    @property
    def altered(self) -> str:
        """The statement that makes an existing policy of this name say what this one says."""
        return f"alter policy {self.name} on {self.table} to {', '.join(self.roles)}{self.clauses}"

    @property
    def created(self) -> str:
        return (
            f"create policy {self.name} on {self.table} as {self.permissive} for {self.command}"
            f" to {', '.join(self.roles)}{self.clauses}"
        )

    @property
    def dropped(self) -> str:
        return f"drop policy {self.name} on {self.table}"

    @property
    def is_restrictive(self) -> bool:
        return self.permissive == "RESTRICTIVE"

    @property
    def hints(self) -> frozenset[str]:
        return frozenset({self.table, *self.roles, self.command})


def mutants(connection: Connection) -> Iterator[Mutant]:
    """Every mutant of row security that the catalogue gives rise to."""
    for table in _column(connection, _TABLES):
        yield from _switched_off(table)
    policies = standing(connection)
    let_in = {
        (policy.table, role) for policy in policies if not policy.is_restrictive for role in policy.roles
    }
    for policy in policies:
        yield from _dropped(policy)
        yield from _weakened(policy)
        yield from _narrowed(policy, let_in)
    for table, role, command in connection.execute(_OPEN_TO.encode()).fetchall():
        yield _added(table, role, command)


def standing(connection: Connection) -> list[Policy]:
    """Every policy on the tables of the wall."""
    return [
        Policy(table, name, permissive, tuple(roles), command, using, check)
        for table, name, permissive, roles, command, using, check in connection.execute(
            _POLICIES.encode()
        ).fetchall()
    ]


def _column(connection: Connection, query: str) -> list[str]:
    return [value for (value,) in connection.execute(query.encode()).fetchall()]


def _switched_off(table: str) -> Iterator[Mutant]:
    for kind, off, on in (
        ("FORCE removed", "no force row level security", "force row level security"),
        ("row security disabled", "disable row level security", "enable row level security"),
    ):
        change = in_catalogue(f"alter table {table} {off}", f"alter table {table} {on}")
        yield Mutant(kind, table, change, frozenset({table}), is_structural=True)


def _dropped(policy: Policy) -> Iterator[Mutant]:
    kind = f"{policy.name} dropped" if policy.is_restrictive else "policy dropped"
    change = in_catalogue(policy.dropped, policy.created)
    yield Mutant(kind, policy.full_name, change, policy.hints)


def _weakened(policy: Policy) -> Iterator[Mutant]:
    for clause, text in (("using", policy.using), ("check", policy.check)):
        for described, weaker in _weaker(text) if text else ():
            changed = replace(policy, using=weaker) if clause == "using" else replace(policy, check=weaker)
            yield _altered("condition weakened", policy, changed, f"{clause} {described}")
    has_no_check = policy.command in ("update", "all") and policy.check is None and not policy.is_restrictive
    if has_no_check and policy.using != "true":
        yield _with_a_lenient_check(policy)


def _weaker(text: str) -> Iterator[tuple[str, str]]:
    if text != "true":
        yield f"{' '.join(text.split())} → true", "true"
        yield from weakened(text)


def _with_a_lenient_check(policy: Policy) -> Mutant:
    # ALTER POLICY cannot take a check away again.
    lenient = replace(policy, check="true")
    change = in_catalogue((policy.dropped, lenient.created), (policy.dropped, policy.created))
    name = f"{policy.full_name}: with check (true)"
    return Mutant("condition weakened", name, change, policy.hints)


def _narrowed(policy: Policy, let_in: Collection[tuple[str, str]]) -> Iterator[Mutant]:
    """A restrictive policy binds fewer roles. A door that opens nothing of the table shows no difference yet."""
    for role in policy.roles if policy.is_restrictive else ():
        others = tuple(name for name in policy.roles if name != role) or ("pat_owner",)
        mutant = _altered(f"{policy.name} narrowed", policy, replace(policy, roles=others), f"without {role}")
        is_door = role in DOOR_OWNERS and (policy.table, role) not in let_in
        yield replace(mutant, is_structural=is_door)


def _altered(kind: str, policy: Policy, changed: Policy, described: str) -> Mutant:
    change = in_catalogue(changed.altered, policy.altered)
    return Mutant(kind, f"{policy.full_name}: {described}", change, policy.hints)


def _added(table: str, role: str, command: str) -> Mutant:
    clause = "with check (true)" if command == "insert" else "using (true)"
    change = in_catalogue(
        f"create policy planted on {table} for {command} to {role} {clause}",
        f"drop policy planted on {table}",
    )
    name = f"{table}: {role} may {command} every row"
    return Mutant("policy added", name, change, frozenset({table, role, command}))

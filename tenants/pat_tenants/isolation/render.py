"""Renders POLICY, the reaches and the doors as ``migrations/policies.sql``: the whole wall in one file that can be reviewed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Table

from pat_auth.policy import POLICY, Permission, Reach, Role
from pat_platform.database.logins import JOBS, KEYS
from pat_platform.database.models import TableKind
from pat_tenants.isolation import door, doors, sign_in, waking
from pat_tenants.isolation.access import ACCESS, Access, Command
from pat_tenants.isolation.reach import ACTOR, ORGANISATION, changeable, check, condition
from pat_tenants.isolation.roles import DOOR_OWNERS, GROUP, MIGRATOR, OWNERS, database_role
from pat_tenants.isolation.trail_doors import AUDITING
from pat_tenants.key_tables import WRAPPED, key_tables
from pat_tenants.tables import metadata
from pat_tenants.transitions import steps

Statement = tuple[str, str]
"""The role that runs it, and the statement."""

HEADER = """\
-- The wall: fences, policies, grants and doors.
-- Rendered by `python3 pat policy --write` from auth/pat_auth/policy.py and tenants/pat_tenants/isolation/; never edited by hand.
-- Applied again after every migration, in the same transaction, after all that it makes has been dropped.
"""

# People, sessions and logins are read by the functions of their own schema and by the issuer; the trail by its own. By nobody else.
_KEEPERS: tuple[Statement, ...] = (
    ("pat_owner", "grant usage on schema app to pat_sec, pat_service_issuer"),
    ("pat_owner", f"grant usage on schema app, door to {GROUP}"),
    (
        "pat_owner",
        f"grant execute on function app.my_referrals(), app.received_status(uuid, uuid) to {GROUP}",
    ),
    (
        "pat_owner",
        "grant select (organisation_id, id, person_id, role, survivor_id, ended_at) on app.memberships to pat_sec",
    ),
    ("pat_owner", "grant select on app.memberships, app.organisations to pat_service_issuer"),
    (
        "pat_owner",
        "create policy keeper on app.memberships for select to pat_sec, pat_service_issuer using (true)",
    ),
    ("pat_owner", "create policy keeper on app.organisations for select to pat_service_issuer using (true)"),
    (
        "pat_sec",
        f"grant usage on schema sec to pat_owner, pat_service_issuer, {MIGRATOR}, pat_trail, {GROUP}",
    ),
    ("pat_sec", "grant select on sec.people, sec.logins, sec.sessions to pat_service_issuer"),
    ("pat_sec", "grant insert, update (revoked_at) on sec.sessions to pat_service_issuer"),
    ("pat_sec", "grant execute on function sec.actor() to pat_trail"),
    (
        "pat_sec",
        "grant execute on function sec.enter(text), sec.actor(), sec.membership(), sec.survivor(), sec.is_held(), sec.moment()"
        f" to {GROUP}",
    ),
    ("pat_sec", "create policy keeper on sec.people to pat_sec using (true) with check (true)"),
    ("pat_sec", "create policy keeper on sec.logins to pat_sec using (true) with check (true)"),
    ("pat_sec", "create policy keeper on sec.sessions to pat_sec using (true) with check (true)"),
    # The lint compares the logins that stand with those that are listed.
    ("pat_sec", f"grant select (login) on sec.logins to {MIGRATOR}"),
    ("pat_sec", f"create policy migrator on sec.logins for select to {MIGRATOR} using (true)"),
    ("pat_sec", "create policy issuer on sec.people for select to pat_service_issuer using (true)"),
    ("pat_sec", "create policy issuer on sec.logins for select to pat_service_issuer using (true)"),
    ("pat_sec", "create policy issuer on sec.sessions to pat_service_issuer using (true) with check (true)"),
    ("pat_trail", f"grant usage on schema trail to {GROUP}"),
    (
        "pat_trail",
        f"grant execute on function trail.record(text, uuid[], jsonb), trail.reveal(text, jsonb) to {GROUP}",
    ),
    ("pat_trail", "create policy keeper on trail.events to pat_trail using (true) with check (true)"),
    ("pat_trail", "create policy keeper on trail.heads to pat_trail using (true) with check (true)"),
    ("pat_trail", "create policy keeper on trail.signatures to pat_trail using (true) with check (true)"),
    # What their policies and views name.
    ("pat_owner", "grant usage on schema app to pat_trail"),
    (
        "pat_sec",
        "grant usage on schema sec to pat_door_trail, pat_door_access, pat_door_referral, pat_door_network_referrals",
    ),
    ("pat_trail", f"grant execute on function trail.numbers_about(uuid) to {', '.join(AUDITING)}"),
    # Whoever signs the heads sees no event, and replaces no signature.
    ("pat_trail", f"grant usage on schema trail to {JOBS}"),
    (
        "pat_trail",
        "grant execute on function trail.unsigned_heads(), trail.hash_of(uuid, bigint),"
        f" trail.keep_signature(uuid, bigint, bytea, text) to {JOBS}",
    ),
    ("pat_owner", "grant select (organisation_id, survivor_id, lifted_at) on app.safety_holds to pat_sec"),
    ("pat_owner", "create policy keeper on app.safety_holds for select to pat_sec using (true)"),
)


def _keys() -> Iterator[Statement]:
    """Whoever rotates keys replaces wrapped keys, of every organisation, and reads nothing that they open."""
    yield "pat_owner", f"grant usage on schema app to {KEYS}"
    yield "pat_owner", f"grant select (id, slug) on app.organisations to {KEYS}"
    yield "pat_owner", f"create policy keys on app.organisations for select to {KEYS} using (true)"
    for table in key_tables():
        columns = f"organisation_id, {table.subject}, {WRAPPED}"
        yield "pat_owner", f"grant select ({columns}), update ({WRAPPED}) on {table.name} to {KEYS}"
        yield "pat_owner", f"create policy keys on {table.name} for select to {KEYS} using (true)"
        yield "pat_owner", f"create policy rewrap on {table.name} for update to {KEYS} using (true)"


def policies_sql() -> str:
    """The whole file."""
    lines, current = [HEADER], ""
    for owner, statement in statements():
        if owner != current:
            lines.append(f"\nset role {owner};")
            current = owner
        lines.append(f"{statement};")
    return "\n".join([*lines, "reset role;"]) + "\n"


def statements() -> Iterator[Statement]:
    """Every statement of the wall, in the order in which they must run."""
    for table in _sorted():
        owner = OWNERS[str(table.schema)]
        yield owner, f"alter table {table.fullname} enable row level security"
        yield owner, f"alter table {table.fullname} force row level security"
    yield from _KEEPERS
    yield from _keys()
    yield from sign_in.render()
    yield from waking.render()
    for table in _sorted():
        if readers := _readers(table):
            yield OWNERS[str(table.schema)], _session(table, readers)
    for table in tenant_tables():
        yield from (("pat_owner", statement) for statement in _fence(table))
    for each in doors.DOORS:
        yield from door.render(each)
    yield from _permissions()
    yield from _transitions()


def _transitions() -> Iterator[Statement]:
    """The rows of the one table that is written here: its owner, too, is bound by row security."""
    yield "pat_owner", "alter table app.transitions no force row level security"
    yield "pat_owner", "delete from app.transitions"
    for noun, before, after, permission, guard, roles in steps.rows():
        guarded, held = f"'{guard}'" if guard else "null", ", ".join(f"'{role}'" for role in roles)
        yield (
            "pat_owner",
            "insert into app.transitions (noun, from_state, to_state, permission, guard, roles)"
            f" values ('{noun}', '{before}', '{after}', '{permission}', {guarded}, array[{held}])",
        )
    yield "pat_owner", "alter table app.transitions force row level security"


def tenant_tables() -> list[Table]:
    """Tables whose rows belong to one organisation, in order of name."""
    return [table for table in _sorted() if table.info["kind"] is TableKind.TENANT]


def _sorted() -> list[Table]:
    return sorted(metadata.tables.values(), key=lambda table: table.fullname)


def _readers(table: Table) -> tuple[str, ...]:
    """Who may ever read it for somebody: applications and doors, or the doors alone that lead to a table of security."""
    if table.info["kind"] is not TableKind.SECURITY:
        return (GROUP, *DOOR_OWNERS)
    opening = {each.owner for each in doors.DOORS for it in each.openings if it.table == table.fullname}
    return tuple(owner for owner in DOOR_OWNERS if owner in opening)


def _session(table: Table, readers: tuple[str, ...]) -> str:
    """Whoever has not entered, or whose session, membership or time is over, reads nothing: at a table or through a door."""
    return (
        f"create policy session on {table.fullname} as restrictive to {', '.join(readers)}"
        f" using ({ACTOR} is not null)"
    )


def _fence(table: Table) -> Iterator[str]:
    ours = f"organisation_id = {ORGANISATION}"
    yield f"create policy fence on {table.fullname} as restrictive to {GROUP} using ({ours}) with check ({ours})"
    if "created_by" in table.c:
        check = f"created_by = {ACTOR}"
        yield f"create policy author on {table.fullname} as restrictive for insert to {GROUP} with check ({check})"
    if "updated_by" in table.c:
        # Put in, it may have been changed by nobody yet.
        check = f"coalesce(updated_by, created_by) = {ACTOR}"
        yield (
            f"create policy first_signature on {table.fullname} as restrictive for insert to {GROUP}"
            f" with check ({check})"
        )
        check = f"updated_by = {ACTOR}"
        yield (
            f"create policy signature on {table.fullname} as restrictive for update to {GROUP}"
            f" using (true) with check ({check})"
        )


def _permissions() -> Iterator[Statement]:
    """Two permissions may open the same rows to a role: they are opened once, so that nothing stands behind a policy that is gone."""
    opened = set()
    for permission, reaches in POLICY.items():
        for access in ACCESS[permission]:
            for role, reach in reaches.items():
                for owner, statement in _opened(permission, access, role, reach):
                    # What a policy says stands behind its name.
                    said = statement.partition(" on ")[2] if statement.startswith("create") else statement
                    if said not in opened:
                        opened.add(said)
                        yield owner, statement


def _opened(permission: Permission, access: Access, role: Role, reach: Reach) -> Iterator[Statement]:
    name = database_role(role)
    if access.table.startswith("door."):
        owner, view = _view(access.table)
        if view.serves(reach):
            yield owner, f"grant select on {view.name} to {name}"
        return
    table = metadata.tables[access.table]
    visible = condition(table, reach)
    if visible is None:
        return
    columns = f" ({', '.join(access.columns)})" if access.columns else ""
    yield "pat_owner", f"grant {access.command}{columns} on {access.table} to {name}"
    policy = f"create policy {permission.name.lower()}_{role.value}_{access.command} on {access.table}"
    is_change = access.command is Command.UPDATE
    before = changeable(table, visible) if is_change else visible
    clauses = _clauses(access.command, before, check(table, reach, role, changing=is_change))
    yield "pat_owner", f"{policy} for {access.command} to {name} {clauses}"


def _clauses(command: Command, before: str, check: str | None) -> str:
    if command is Command.INSERT:
        return f"with check ({check})"
    if command is Command.UPDATE and check != before:
        return f"using ({before}) with check ({check})"
    # Without a check of its own, an updated row must meet the same condition as the old one.
    return f"using ({before})"


def _view(name: str) -> tuple[str, door.View]:
    """A view of a door, and who owns it."""
    return next((each.owner, view) for each in doors.DOORS for view in each.views if view.name == name)

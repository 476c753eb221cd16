"""Mutants of functions and doors: each condition taken out, each protection switched off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from tests.prove.conditions import lessened, weakened
from tests.prove.mutant import Mutant, in_catalogue
from tests.prove.policies import SCHEMAS
from tests.support.wall import Connection

_FUNCTIONS = f"""
select p.oid::regprocedure::text, n.nspname || '.' || p.proname, p.prosecdef, p.proconfig is not null,
    pg_get_functiondef(p.oid), pg_get_userbyid(p.proowner),
    array(select t.tgrelid::regclass::text from pg_trigger t where t.tgfoid = p.oid)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in {SCHEMAS} order by 1"""

_VIEWS = """
select 'door.' || c.relname, rtrim(pg_get_viewdef(c.oid), ';'), pg_get_userbyid(c.relowner)
from pg_class c where c.relnamespace = 'door'::regnamespace and c.relkind = 'v' order by 1"""

# What is said, and what must not be said instead. In a view both users are the caller; in a function that runs as its owner,
# the current one is the owner.
_WORDS = (
    ("statement_timestamp()", "transaction_timestamp()"),
    ("clock_timestamp()", "transaction_timestamp()"),
    # The client's message may hold more than one statement, and wait between them.
    ("> clock_timestamp()", "> statement_timestamp()"),
    ("<= clock_timestamp()", "<= statement_timestamp()"),
    ("return clock_timestamp()", "return statement_timestamp()"),
    ("sec.moment()", "statement_timestamp()"),
)
_WORDS_OF_FUNCTIONS = (*_WORDS, ("session_user", "current_user"))
_LOCKS = re.compile(r"for update(?: of \w+)?(?: skip locked)?", re.IGNORECASE)

# Parts of what is hashed, and of what is revealed: none may be left out.
_PARTS = re.compile(r"\|\| (trail\.field\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))")


def mutants(connection: Connection) -> Iterator[Mutant]:
    """Every mutant of the functions and views that the catalogue gives rise to."""
    for signature, name, is_definer, has_path, definition, owner, tables in connection.execute(
        _FUNCTIONS.encode()
    ).fetchall():
        # Whoever writes to the table meets its trigger, and names it by that.
        yield from _of_body(signature, frozenset({name, *tables}), definition)
        yield from _of_protection(signature, name, is_definer, has_path, owner)
    for view, definition, owner in connection.execute(_VIEWS.encode()).fetchall():
        yield from _of_view(view, definition, owner)


def _of_body(signature: str, hints: frozenset[str], definition: str) -> Iterator[Mutant]:
    head, body, tail = definition.split("$function$")
    for described, text in _weaker(body, _WORDS_OF_FUNCTIONS):
        change = in_catalogue("$function$".join((head, text, tail)), definition)
        yield Mutant("function weakened", f"{signature}: {described}", change, hints)


def _weaker(text: str, words: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield from weakened(text)
    for word, instead in words:
        for match in re.finditer(re.escape(word), text, re.IGNORECASE):
            yield _replaced(text, match.start(), match.end(), instead)
    for part in chain(_LOCKS.finditer(text), _PARTS.finditer(text)):
        yield _replaced(text, part.start(), part.end(), "")


def _replaced(text: str, start: int, end: int, instead: str) -> tuple[str, str]:
    place = text[:start].count("\n") + 1
    return f"line {place}, {text[start:end]} → {instead or 'gone'}", text[:start] + instead + text[end:]


def _of_protection(
    signature: str, name: str, is_definer: bool, has_path: bool, owner: str
) -> Iterator[Mutant]:
    hints, path = frozenset({name}), "set search_path = pg_catalog, pg_temp"
    function = f"alter function {signature}"
    if has_path:
        yield Mutant(
            "search_path opened",
            signature,
            in_catalogue(f"{function} reset search_path", f"{function} {path}"),
            hints,
            is_structural=True,
        )
    now, then = ("definer", "invoker") if is_definer else ("invoker", "definer")
    yield Mutant(
        f"function runs as its {'caller' if is_definer else 'owner'}",
        signature,
        in_catalogue(f"{function} security {then}", f"{function} security {now}"),
        hints,
        # One that reads nothing does the same as its owner.
        is_structural=not is_definer,
    )
    yield Mutant(
        "owner of a function changed",
        signature,
        # A function that runs as a superuser passes all row security by.
        in_catalogue(f"{function} owner to postgres", f"{function} owner to {owner}"),
        hints,
        is_structural=True,
    )
    yield Mutant(
        "function claims to leak nothing",
        signature,
        in_catalogue(f"{function} leakproof", f"{function} not leakproof"),
        hints,
        is_structural=True,
    )


def _of_view(view: str, definition: str, owner: str) -> Iterator[Mutant]:
    hints = frozenset({view})
    made = f"create or replace view {view} with (security_barrier) as {{}}"
    for described, text in chain(_weaker(definition, _WORDS), lessened(definition)):
        change = in_catalogue(made.format(text), made.format(definition))
        yield Mutant("door weakened", f"{view}: {described}", change, hints)
    yield Mutant(
        "security barrier off",
        view,
        in_catalogue(
            f"alter view {view} set (security_barrier = false)",
            f"alter view {view} set (security_barrier = true)",
        ),
        hints,
        is_structural=True,
    )
    for other in ("postgres", "pat_owner"):
        yield Mutant(
            "owner of a door changed",
            f"{view} to {other}",
            in_catalogue(f"alter view {view} owner to {other}", f"alter view {view} owner to {owner}"),
            hints,
            is_structural=True,
        )

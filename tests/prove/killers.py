"""Which tests to try first on a mutant: those that are known to notice its like, cheapest first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.prove.mutant import Mutant

CACHE = Path(__file__).resolve().parents[2] / "build" / "killers.json"

# A guess for the first run: what each kind of mutant is likely to be noticed by.
_GUESSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fence", ("test_the_fence_alone",)),
    ("session", ("test_whoever_has_not_entered", "test_a_door_shows_nothing_to_whoever")),
    ("author", ("test_a_row_bears_the_name",)),
    ("first_signature", ("test_a_row_bears_the_name",)),
    ("signature", ("test_a_changed_row_bears_the_name",)),
    ("FORCE", ("test_the_owner_of_the_tables_sees_no_row",)),
    ("row security", ("test_the_fence_alone",)),
    ("policy", ("test_a_role_reads", "test_a_role_inserts", "test_a_role_updates", "test_a_service")),
    (
        "condition",
        ("test_a_role_reads", "test_a_role_inserts", "test_a_role_updates", "test_the_doors_owner"),
    ),
    ("table", ("test_a_role_holds_the_columns", "test_no_application_ever", "test_a_service")),
    ("column", ("test_a_role_holds_the_columns",)),
    ("schema", ("test_a_schema_is_used",)),
    ("database", ("test_every_login_is_let_in",)),
    ("key", ("test_ids_and_codes", "test_a_reference_to_anothers_row")),
    ("function of PostgreSQL", ("test_no_function_tells",)),
    ("function granted", ("test_a_function_is_called",)),
    ("function revoked", ("test_a_function_is_called",)),
    ("function runs as", ("test_a_function_runs_as",)),
    ("search_path", ("test_every_function_of_ours",)),
    (
        "door weakened",
        (
            *(
                "test_a_view_says_what_follows",
                "test_a_role_reads",
                "test_a_receiver_sees",
                "test_a_sender_sees",
                "test_the_views_hold",
            ),
            *("test_the_door_shows_what_all_terms", "test_a_referral_ends_with", "test_each_side_sees"),
        ),
    ),
    ("lint rule", ("test_a_planted_fault",)),
    ("limit", ("test_each_limit", "test_what_stands_just", "test_too_many")),
    ("role with", ("test_no_login_becomes", "test_no_statement_reads")),
    ("membership", ("test_no_role_is_a_member", "test_every_login_is_let_in")),
    ("counts", ("test_how_many_rows",)),
    (
        "default",
        (
            "test_a_schema_is_used",
            "test_what_postgresql_leaves_open",
            "test_the_schema_public",
            "test_a_login_of_another",
        ),
    ),
    ("estimates", ("test_nothing_is_known_of_any_value",)),
)

# Of whatever kind, where it says this.
_GUESSES_BY_WORD = (("sec.moment() →", ("test_a_message_that_waits", "test_an_agreement_begins")),)

_GUESSED_BY_FIT = {"same": 0.5, "named": 0.4, "any": 0.2, "other": 0.002}
_PLACES = (("trail.", "tests/trail/"), ("door.", "test_referral"), ("sec.", "test_sessions"))


@dataclass
class Killers:
    """What is known of the tests: how long each takes, and which of them noticed what."""

    seconds: dict[str, float] = field(default_factory=dict)
    killed_by: dict[str, str] = field(default_factory=dict)
    tries: dict[str, list[int]] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    """Every table, view, function and role that a test may be parametrised by."""
    alike: dict[str, str] = field(init=False)
    """What noticed the same condition elsewhere: doors have many in common."""

    def __post_init__(self) -> None:
        self.alike = {_condition(id): by for id, by in self.killed_by.items()}

    @classmethod
    def remembered(cls) -> Killers:
        """What earlier runs have left, if anything."""
        try:
            known = json.loads(CACHE.read_text())
            return cls(known["seconds"], known["killed_by"], known["tries"])
        except (OSError, ValueError, KeyError):
            return cls()

    def remember(self) -> None:
        """Leave it to later runs; of two that end at once, the later one stays."""
        CACHE.parent.mkdir(exist_ok=True)
        draft = CACHE.with_suffix(".new")
        draft.write_text(
            json.dumps({"seconds": self.seconds, "killed_by": self.killed_by, "tries": self.tries})
        )
        draft.replace(CACHE)

    def saw(self, mutant: Mutant, item: pytest.Item, seconds: float, *, killed: bool) -> None:
        """One test was tried on one mutant."""
        self.seconds[item.nodeid] = round((self.seconds.get(item.nodeid, seconds) + seconds) / 2, 4)
        tried = self.tries.setdefault(self._likeness(mutant, item), [0, 0])
        tried[0] += 1
        tried[1] += killed
        if killed:
            self.killed_by[mutant.id] = self.alike[_condition(mutant.id)] = item.nodeid

    def ordered(self, mutant: Mutant, items: Iterable[pytest.Item]) -> list[pytest.Item]:
        """The tests in the order in which they are worth trying."""
        last, alike = self.killed_by.get(mutant.id), self.alike.get(_condition(mutant.id))

        def rank(item: pytest.Item) -> tuple[bool, bool, float, str]:
            return item.nodeid != last, item.nodeid != alike, -self._promise(mutant, item), item.nodeid

        return sorted(items, key=rank)

    def _promise(self, mutant: Mutant, item: pytest.Item) -> float:
        """How likely it is to notice the mutant, for the time that it takes."""
        tried, killed = self.tries.get(self._likeness(mutant, item), (0, 0))
        # A test for other roles or tables than the mutant's is the last to try.
        fit = self._fit(mutant, item)
        guess = _GUESSED_BY_FIT[fit] * (1 if fit == "named" or guessed(mutant, item) else 0.1)
        return (killed + guess) / (tried + 1) / (self.seconds.get(item.nodeid, 0.2) + 0.2)

    def _likeness(self, mutant: Mutant, item: pytest.Item) -> str:
        said = next((word for word, _ in _GUESSES_BY_WORD if word in mutant.name), "")
        return f"{mutant.kind}|{bare_name(item)}|{self._fit(mutant, item)}{said and f'|{said}'}"

    def _fit(self, mutant: Mutant, item: pytest.Item) -> str:
        """Whether the test is about the same table or role, about another one, or about neither, and its file names it."""
        parameters: Any = getattr(item, "callspec", None)
        values = list(parameters.params.values()) if parameters else []
        texts = [str(value) for value in values] + [
            str(value.rule) for value in values if hasattr(value, "rule")
        ]
        about = {name for text in texts for name in (text, f"pat_{text}")} & self.names
        if not about or not mutant.hints:
            return "named" if names_one(item.path, mutant.hints) else "any"
        return "same" if about & mutant.hints else "other"


def _condition(id: str) -> str:
    """What was taken out, without where."""
    kind, _, rest = id.partition(": ")
    what = rest.partition(": ")[2]
    return f"{kind}: {re.sub(r'^line [0-9]+, ', '', what)}" if what else id


@cache
def names_one(file: Path, hints: frozenset[str]) -> bool:
    """Whether the file speaks of a function or a table by its name."""
    text = file.read_text()
    bare = (hint.partition("(")[0].rpartition(".") for hint in hints)
    return any(schema and re.search(rf"\b{name}\b", text) for schema, _, name in bare)


def bare_name(item: pytest.Item) -> str:
    """The test without its parameters."""
    return item.nodeid.split("[")[0]


def guessed(mutant: Mutant, item: pytest.Item) -> bool:
    """Whether a guess names this test for this kind of mutant, or its place for what the mutant is about."""
    by_name = any(word in mutant.kind and item.name.startswith(tests) for word, tests in _GUESSES)
    by_word = any(word in mutant.name and item.name.startswith(tests) for word, tests in _GUESSES_BY_WORD)
    return (
        by_name
        or by_word
        or any(
            hint.startswith(schema) and place in item.nodeid
            for schema, place in _PLACES
            for hint in mutant.hints
        )
    )

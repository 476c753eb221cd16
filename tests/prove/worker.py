"""Takes a share of the mutants: one process, one hot wall, the tests collected once.

It runs inside of pytest, whose loop it replaces: instead of every test once, it runs, for each mutant, the tests that are likely
to notice it until one does. What it finds goes to standard output, one JSON object a line.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Generator, Iterable
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from typing import IO, Any

import psycopg
import pytest
from _pytest.runner import runtestprotocol
from tests.prove.every import all_mutants, sample
from tests.prove.killers import Killers
from tests.prove.mutant import Mutant
from tests.prove.report import BY_ROWS, Verdict, noticed
from tests.prove.whole import Lines, lines
from tests.support.wall import Wall

from pat_tenants.isolation.lint import lint

PLACES = ("tests/isolation", "tests/policy", "tests/trail", "tests/limits", "tests/referrals")

# They put the wall up again, on purpose: what they were given to judge is gone afterwards.
_HEALERS = (
    "test_the_migrator_migrates_after_a_superuser",
    "test_a_rotated_login_needs_its_new_password",
    "test_migrating_again_changes_nothing",
    "test_an_administrator_who_is_no_superuser_migrates",
)

# They compare the catalogue with what was meant, or need no wall: what nobody could do differently, they notice too.
_OF_THE_CATALOGUE = ("test_lint.py", "test_rendered.py", "test_rendering.py", "test_managed.py")

# What compares the tables with the models: enough for a mutant that is structural.
_SHAPE = "test_the_migrations_make_what_the_models_say"

_FIRST = "test_a_migrated_database_keeps_every_rule"

ENOUGH = 2
"""How many tests are tried on a structural mutant before the catalogue is asked."""


LOOKED_AT = 10
"""After so many mutants the whole wall is compared with what it was."""


@dataclass(frozen=True)
class Share:
    """Which mutants a worker takes: every ``of``-th that fits the pattern, or of a sample; and which tests it has.

    After ``seconds`` no other mutant is begun. Those that ``known``, the JSON of an earlier run, has as noticed are left out.
    A mutant that the ``patience`` most promising of them do not notice has survived: all of them, where it is None.
    """

    number: int = 0
    of: int = 1
    pattern: str = "*"
    sample: int | None = None
    seed: int = 1
    tests: tuple[str, ...] = PLACES
    patience: int | None = None
    seconds: float | None = None
    known: str | None = None


class Prover:
    """The plugin of pytest that takes the wall apart."""

    def __init__(self, share: Share, out: IO[str]) -> None:
        self.share, self.out = share, out
        self.wall: Wall | None = None
        self.killers = Killers.remembered()
        self.anchors: list[pytest.Item] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        """The first test that asks for the wall gets it made; we keep it."""
        made = yield
        if fixturedef.argname == "wall":
            self.wall = made
        return made

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of every test once: every mutant."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        items = [item for item in session.items if function(item) not in _HEALERS]
        self.anchors = list({item.path.parent: item for item in items}.values())
        standing = next(item for item in items if function(item) == _FIRST)
        if self._fails(standing):
            raise session.Failed("the wall cannot be built")
        self._say(wrong=self._prove(items))
        return True

    def _prove(self, items: list[pytest.Item]) -> list[str]:
        assert self.wall is not None
        mutants = all_mutants(self.wall.admin)
        self.killers.names = frozenset().union(*(mutant.hints for mutant in mutants))
        mine = self._share(mutants)
        self._say(ids=[mutant.id for mutant in mutants], mine=len(mine), postgres=_version(self.wall))
        before = lines(self.wall.admin)
        used: set[str] = set()
        until = time.monotonic() + (self.share.seconds or math.inf)
        for number, mutant in enumerate(mine, 1):
            if time.monotonic() > until:
                break
            verdict = self._try(mutant, items)
            used.add(verdict.by)
            self._say(**asdict(verdict))
            if number % LOOKED_AT == 0 and (changed := before ^ lines(self.wall.admin)):
                return [f"not put back before {mutant.id}: {line}" for line in sorted(changed)]
        self.killers.remember()
        return self._false_alarms([item for item in items if item.nodeid in used], before)

    def _share(self, mutants: list[Mutant]) -> list[Mutant]:
        if self.share.sample is not None:
            mutants = sample(mutants, self.share.sample, self.share.seed)
        known = noticed(self.share.known) if self.share.known else {}
        mutants = [mutant for mutant in mutants if mutant.id not in known]
        patterns = [f"*{part}*" for part in self.share.pattern.split("|")]
        fitting = [mutant for mutant in mutants if any(fnmatch(mutant.id, part) for part in patterns)]
        return fitting[self.share.number :: self.share.of]

    def _try(self, mutant: Mutant, items: list[pytest.Item]) -> Verdict:
        assert self.wall is not None
        started, found = time.monotonic(), ""
        try:
            with mutant.change(self.wall.admin):
                by, found = self._notice(mutant, items)
        except psycopg.errors.UniqueViolation:
            # A key that the rows which are there already do not allow.
            return Verdict(mutant.kind, mutant.name, "killed", found_by=BY_ROWS)
        except psycopg.Error as error:
            return Verdict(mutant.kind, mutant.name, "impossible", found_by=" ".join(str(error).split()))
        killed = bool(by or (found and mutant.is_structural))
        seconds = round(time.monotonic() - started, 3)
        return Verdict(mutant.kind, mutant.name, "killed" if killed else "survived", by, found, seconds)

    def _notice(self, mutant: Mutant, items: list[pytest.Item]) -> tuple[str, str]:
        """The test that notices it, and what the lint says; nothing where nobody does."""
        assert self.wall is not None
        able = (item for item in items if judges(item, mutant))
        candidates = self.killers.ordered(mutant, able)[: self.share.patience]
        if not mutant.is_structural:
            by = self._killer(mutant, candidates)
            return by, "" if by or mutant.is_code else self._lint()
        by = self._killer(mutant, candidates[:ENOUGH])
        if by:
            return by, ""
        shapes = (item for item in items if function(item) == _SHAPE)
        if found := self._lint() or self._killer(mutant, shapes):
            return "", found
        return self._killer(mutant, candidates[ENOUGH:]), ""

    def _lint(self) -> str:
        """The first thing that the lint of the catalogue finds."""
        assert self.wall is not None
        return next((str(finding) for finding in lint(self.wall.admin)), "")

    def _killer(self, mutant: Mutant, items: Iterable[pytest.Item]) -> str:
        """The first test that fails."""
        for item in items:
            started = time.monotonic()
            failed = self._fails(item)
            self.killers.saw(mutant, item, time.monotonic() - started, killed=failed)
            if failed:
                return item.nodeid
        return ""

    def _fails(self, item: pytest.Item) -> bool:
        """Run a test, and end every fixture but those of the whole run: none may hold what the next change needs.

        To pytest the next test is one of another folder, whichever it will be.
        """
        other = next(other for other in self.anchors if other.path.parent != item.path.parent)
        reports = runtestprotocol(item, log=False, nextitem=other)
        return any(report.failed for report in reports)

    def _false_alarms(self, items: list[pytest.Item], before: Lines) -> list[str]:
        """Every test that noticed something holds on the whole wall: else it would have noticed nothing."""
        wrong = [f"fails on the whole wall: {item.nodeid}" for item in items if self._fails(item)]
        assert self.wall is not None
        return wrong + [f"left behind: {line}" for line in sorted(before ^ lines(self.wall.admin))]

    def _say(self, **values: object) -> None:
        print(json.dumps(values), file=self.out, flush=True)


def judges(item: pytest.Item, mutant: Mutant) -> bool:
    """Whether a test may notice the mutant: code has tests of its own, and what compares the catalogue alone is asked apart."""
    file, is_of_limits = item.path.name, item.path.parent.name == "limits"
    if mutant.is_code:
        return file == "test_lint.py" if mutant.kind.startswith("lint") else is_of_limits
    return not is_of_limits and file not in _OF_THE_CATALOGUE


def function(item: pytest.Item) -> str:
    """The name of the test without its parameters."""
    return str(getattr(item, "originalname", item.name))


def _version(wall: Wall) -> str:
    return str(wall.admin.info.parameter_status("server_version"))


def main() -> int:
    """Work off a share, given as JSON in the only argument."""
    values = json.loads(sys.argv[1])
    share = Share(**{**values, "tests": tuple(values["tests"])})
    # Nobody reads what pytest, or a test, would print.
    out = os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    plain = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "--assert=plain", "--tb=no", "-q")
    return int(pytest.main([*plain, *share.tests], plugins=[Prover(share, out)]))


if __name__ == "__main__":
    sys.exit(main())

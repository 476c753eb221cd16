"""What the documentation says is true of this checkout."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from graphql import build_schema, parse, validate
from tests.docs.reading import DECISIONS, PAGES, ROOT, blocks, calls, documents, links
from tests.prove.__main__ import main as prove

from pat_server.cli import cli
from pat_server.demo.organisations import COMMUNITIES
from pat_server.demo.people import PEOPLE
from pat_tenants.isolation.harden import GAPS

README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
HEADINGS = ["Context", "Choice", "Price", "The number that decided"]
PLACEHOLDER = re.compile(r"NOUN|NAME|NNNN|YYYY")


def name(path: Path) -> str:
    """How a page is called in the list of tests."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_something(page: Path) -> None:
    missing = [target for target in links(page) if not (page.parent / target.partition("#")[0]).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_shell_blocks_can_be_read_by_a_shell(page: Path) -> None:
    for block in blocks(page, "bash"):
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_exist_and_take_their_arguments(page: Path) -> None:
    for arguments in calls(page):
        if arguments[0] == "prove":
            understand(prove, arguments[1:])
        elif arguments[0] not in ("test", "bench"):
            understand(cli, arguments)


def test_what_contributors_are_told_to_run_is_there() -> None:
    known = {"python3 pat", ".ci/run", ".venv/bin/python requirements/compile.py"}
    for block in blocks(CONTRIBUTING, "bash"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            program = next((start for start in known if " ".join(words).startswith(start)), None)
            assert program, line
            named = [word for word in words if word.startswith((".ci/", "tests/", "requirements/"))]
            assert [path for path in named if not (ROOT / path).exists()] == []
    [tools] = re.findall(r"the tools stand in `\.venv/bin`: ([^.]+)\.", CONTRIBUTING.read_text())
    for tool in re.findall(r"`(\w+)", tools):
        assert (Path(sys.executable).parent / tool).exists(), tool


def test_the_locks_are_compiled_with_the_options_that_contributors_are_told(tmp_path: Path) -> None:
    lines = [line for block in blocks(CONTRIBUTING, "bash") for line in block.splitlines()]
    lines = [line for line in lines if "requirements/compile.py" in line]
    assert len(lines) == 2
    told = tmp_path / "told"
    uv = tmp_path / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" >> {told}\n')
    uv.chmod(0o700)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    for line in lines:
        script, *options = shlex.split(line)[1:]
        done = subprocess.run([sys.executable, script, *options], cwd=ROOT, env={**os.environ, "PATH": path})
        assert done.returncode == 0
    assert (
        told.read_text().count("--upgrade-package starlette") == told.read_text().count("--output-file") / 2
    )


def understand(command: click.Command, arguments: list[str]) -> None:
    """Parse a call as far as it goes, without running it. Raises a click.UsageError for one that makes no sense."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        _, found, rest = command.resolve_command(context, arguments)
        assert found is not None, arguments
        if rest or isinstance(found, click.Group):
            understand(found, rest)
        return
    if command.name in {"token", "add"} and not arguments:
        return
    command.make_context(command.name, list(arguments))


def test_the_queries_to_paste_are_valid() -> None:
    schema = build_schema((ROOT / "schema" / "schema.graphql").read_text())
    found = documents(README)
    assert len(found) == 4
    for document in found:
        assert validate(schema, parse(document)) == []


def test_people_who_sign_in_are_people_of_the_demo() -> None:
    known = {person.email for person in PEOPLE}
    for page in PAGES:
        named = set(re.findall(r"[a-z]+\d*@[a-z-]+\.example", page.read_text()))
        assert named <= known, name(page)


def test_the_cases_that_the_sign_in_table_counts_are_those_of_the_demo() -> None:
    text = README.read_text()
    for community in COMMUNITIES[:2]:
        row = next(line for line in text.splitlines() if line.startswith(f"| `manager@{community.slug}."))
        assert f" {community.cases} cases" in row


@pytest.mark.parametrize("decision", DECISIONS, ids=name)
def test_a_decision_has_its_four_parts(decision: Path) -> None:
    text = decision.read_text()
    assert re.match(rf"# {int(decision.name[:4])}\. \S", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    number = text.rpartition("## The number that decided")[2]
    assert re.search(r"\d", number)


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    assert [int(decision.name[:4]) for decision in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert [decision.name for decision in DECISIONS] == links(ROOT / "docs" / "adr" / "README.md")


def test_places_that_contributors_are_sent_to_exist() -> None:
    named = re.findall(r"`([a-z.]+/[\w./-]+)`", CONTRIBUTING.read_text())
    assert len(named) > 20
    assert [path for path in named if not PLACEHOLDER.search(path) and not (ROOT / path).exists()] == []


def test_every_default_that_a_server_may_leave_open_is_explained() -> None:
    text = (ROOT / "docs" / "isolation.md").read_text()
    assert [gap.sentence for gap in GAPS if f"| {gap.sentence} |" not in text] == []

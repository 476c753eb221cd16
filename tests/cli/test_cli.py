"""`pat` explains itself, and says in a sentence what is wrong."""

import subprocess
import sys

import click
import pytest
from tests.cli.conftest import Pat

from pat_server.cli import COMMANDS, cli
from pat_server.commands.home import Home


@pytest.mark.parametrize("call", [["--help"], ["-h"], []])
def test_help_names_every_command_and_the_first_steps(pat: Pat, call: list[str]) -> None:
    done = pat(*call)
    for name, summary in COMMANDS.items():
        assert f"  {name} " in done.output
        assert summary in done.output
    assert "python3 pat demo" in done.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(pat: Pat, name: str) -> None:
    done = pat(name, "--help")
    assert done.exit_code == 0
    assert done.output.startswith(f"Usage: pat {name}")


def test_help_needs_no_command_to_be_imported() -> None:
    code = (
        "import sys\nfrom pat_server.cli import cli\n"
        "try: cli(['--help'])\nfinally: print([m for m in sys.modules if m.split('.')[0] in ('sqlalchemy', 'strawberry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("[]\n")


def test_the_version_is_told(pat: Pat) -> None:
    assert pat("--version").output == "pat 0.1.0\n"


def test_a_misspelt_command_names_the_one_that_was_meant(pat: Pat) -> None:
    done = pat("polcy")
    assert done.exit_code == 2
    assert "Did you mean 'policy'?" in done.stderr


def test_a_token_needs_a_running_demo(pat: Pat) -> None:
    done = pat("token", "manager@cbo-a.example")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "pat: No demo is running in this checkout: start it with `python3 pat demo`.\n"


def test_a_token_is_refused_where_there_is_a_database_of_ones_own(pat: Pat) -> None:
    done = pat("token", "manager@cbo-a.example", DATABASE_URL="postgresql://db.example/pat")
    assert (done.exit_code, done.stdout) == (1, "")
    assert (
        done.stderr == "pat: Tokens are handed out for the demo only; on your own database people sign in.\n"
    )


def test_a_token_has_to_wait_until_the_demo_is_ready(pat: Pat, home: Home) -> None:
    with home.held(8123):
        done = pat("token", "manager@cbo-a.example")
    assert done.exit_code == 1
    assert "still starting" in done.stderr


@pytest.mark.parametrize("call", ["audit verify", "organisation list", "organisation rotate cbo-a"])
def test_without_a_database_there_is_nothing_to_work_on(pat: Pat, call: str) -> None:
    done = pat(*call.split())
    assert done.exit_code == 1
    assert done.stderr == "pat: DATABASE_URL is not set, and no demo is running in this checkout.\n"


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_forgotten_variable_never_means_an_empty_database(pat: Pat, command: str) -> None:
    done = pat(command, PAT_SECRET="s" * 40)
    assert done.exit_code == 1
    assert done.stderr.startswith("pat: DATABASE_URL is not set.")


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_without_a_secret_nothing_is_begun(pat: Pat, command: str) -> None:
    done = pat(command, DATABASE_URL="postgresql://db.example/pat")
    assert done.exit_code == 1
    assert "PAT_SECRET" in done.stderr


@pytest.mark.parametrize("call", ["audit verify", "organisation list", "migrate", "serve"])
def test_an_address_that_is_none_is_refused_without_being_quoted(pat: Pat, call: str) -> None:
    done = pat(*call.split(), DATABASE_URL="postgresql//u:hunter2@h/d", PAT_SECRET="s" * 40)
    assert done.exit_code == 1
    assert "DATABASE_URL is not" in done.stderr
    assert "hunter2" not in done.output


@pytest.mark.parametrize("call", ["audit verify", "migrate", "serve --port 1"])
def test_a_database_that_does_not_answer_is_told_in_a_sentence(pat: Pat, call: str) -> None:
    url = "postgresql://u:hunter2@127.0.0.1:1/pat"
    done = pat(*call.split(), DATABASE_URL=url, PAT_SECRET="s" * 40)
    assert done.exit_code == 1
    if "serve" not in call or "Port 1" not in done.stderr:
        assert "Is PostgreSQL running there" in done.stderr
    assert "hunter2" not in done.output


@pytest.mark.parametrize(("value", "is_told"), [("1", True), ("0", False)])
def test_whoever_serves_a_schema_to_look_around_in_is_told_so(pat: Pat, value: str, is_told: bool) -> None:
    url = "postgresql://127.0.0.1:1/pat"
    done = pat("serve", "--port", "1", DATABASE_URL=url, PAT_SECRET="s" * 40, PAT_DEVELOPMENT=value)
    assert ("clients may look around" in done.stderr) is is_told


def test_what_nobody_expects_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, pat: Pat) -> None:
    @click.command("schema")
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "get_command", lambda *_: broken)
    with pytest.raises(ZeroDivisionError):
        pat("schema")


def test_ctrl_c_ends_a_command_quietly(monkeypatch: pytest.MonkeyPatch, pat: Pat) -> None:
    @click.command("schema")
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "get_command", lambda *_: interrupted)
    done = pat("schema")
    assert (done.exit_code, done.output) == (130, "")

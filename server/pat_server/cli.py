"""The command line ``pat``: what it can do, and how it says that something is wrong.

Each command is a file in ``pat_server.commands`` that is imported when it is asked for: ``pat --help`` needs none of them.
Results go to stdout, everything else to stderr. Exit codes: 0, 1 for what is expected to go wrong, 2 for a wrong call.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import click

from pat_server.commands.trouble import Trouble

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "demo": "Start the demo network, with a PostgreSQL of its own.",
        "token": "Print an access token for a person of the running demo.",
        "serve": "Serve the API on your own PostgreSQL.",
        "migrate": "Bring your database to this release.",
        "organisation": "Add an organisation, list them, or renew their passwords.",
        "setup": "Invite the first administrator of a new network.",
        "person": "Invite people, or let them in no more.",
        "pin": "Let a survivor choose a PIN to sign in with.",
        "client": "Register the programs that people sign in to.",
        "upstream": "Let people sign in with their organisation's own provider.",
        "keys": "Show, check and rotate keys.",
        "backup": "Write the database into a file, without its keys.",
        "restore": "Put a backup onto an empty database.",
        "doctor": "Look for what is wrong with an installation, and say what to do.",
        "audit": "Verify the trail.",
        "policy": "Show who may do what.",
        "schema": "Print the GraphQL schema.",
    }
)

EPILOGUE = """\b
python3 pat demo                          a network to try, on http://127.0.0.1:8000
python3 pat token manager@cbo-a.example   a token to ask it with
python3 pat test                          the tests

"pat COMMAND --help" tells more. Your own PostgreSQL is named by DATABASE_URL, the deployment's secret by PAT_SECRET or
PAT_SECRET_FILE.
"""


class Commands(click.Group):
    """The commands, imported one at a time; what is expected to go wrong in one ends in a sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"pat_server.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the names that click would find only if all were imported."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=list(COMMANDS), ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List what each command is for."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn expected errors into one sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            # It knows every library's errors, and so takes a while to import.
            from pat_server.commands.plain_words import in_plain_words

            sentence = in_plain_words(error)
            if sentence is None:
                raise
            raise Trouble(sentence) from error


@click.group(cls=Commands, epilog=EPILOGUE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pat", message="pat %(version)s")
def cli() -> None:
    """One GraphQL API for the network of Partners for Anti-Trafficking."""


def main() -> None:
    """The console script."""
    cli(prog_name="pat")

"""``pat schema``: the GraphQL schema as clients see it."""

import click

from pat_schema.changes import breaking_changes, dangerous_changes
from pat_schema.root import print_schema
from pat_server.commands import rendered
from pat_server.commands.home import CHECKOUT

FILE = CHECKOUT / "schema" / "schema.graphql"
RELEASED = CHECKOUT / "schema" / "released.graphql"
"""The schema of the last release: a copy of FILE, made when it was released."""


@click.command("schema")
@click.option("--write", "is_written", is_flag=True, help="Write it into schema/schema.graphql.")
@click.option(
    "--check", "is_checked", is_flag=True, help="Fail if schema/schema.graphql is not what is printed."
)
@click.option("--changes", "is_compared", is_flag=True, help="List what differs from the last release.")
def command(is_written: bool, is_checked: bool, is_compared: bool) -> None:
    """Print the GraphQL schema, in the schema definition language."""
    if is_compared:
        _list_changes()
        return
    rendered.handle(
        FILE, print_schema(), command="python3 pat schema", is_written=is_written, is_checked=is_checked
    )


def _list_changes() -> None:
    """A line for each change that breaks clients of the last release, then for each that may surprise them."""
    if not RELEASED.exists():
        click.echo("There is no release yet: schema/released.graphql is missing.")
        return
    released, current = RELEASED.read_text(encoding="utf-8"), print_schema()
    breaks = [f"breaks     {change}" for change in breaking_changes(released, current)]
    surprises = [f"surprises  {change}" for change in dangerous_changes(released, current)]
    click.echo("\n".join(breaks + surprises) or "Nothing breaks or surprises clients of the last release.")

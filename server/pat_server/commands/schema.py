"""``pat schema``: the GraphQL schema as clients see it."""

import click

from pat_schema.root import print_schema
from pat_server.commands import rendered
from pat_server.commands.home import CHECKOUT

FILE = CHECKOUT / "schema" / "schema.graphql"


@click.command("schema")
@click.option("--write", "is_written", is_flag=True, help="Write it into schema/schema.graphql.")
@click.option(
    "--check", "is_checked", is_flag=True, help="Fail if schema/schema.graphql is not what is printed."
)
def command(is_written: bool, is_checked: bool) -> None:
    """Print the GraphQL schema, in the schema definition language."""
    rendered.handle(
        FILE, print_schema(), command="python3 pat schema", is_written=is_written, is_checked=is_checked
    )

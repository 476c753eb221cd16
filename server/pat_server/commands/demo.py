"""``pat demo``: the demo network, from an empty checkout to a server that answers."""

import os
from collections.abc import Iterator

import click

from pat_server.app import create_app
from pat_server.commands.demo_database import prepare
from pat_server.commands.home import Home, Running
from pat_server.commands.progress import Progress
from pat_server.commands.serving import ReadyServer, reserved, stoppable
from pat_server.commands.sign_ins import sign_ins
from pat_server.demo.people import sign_in_table

HOST = "127.0.0.1"


@click.command("demo")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port to serve on."
)
@click.option("--fresh", is_flag=True, help="Remove the demo's data first.")
@click.option(
    "--scale", type=click.IntRange(1, 1000), help="Load so many times the network. Only for a new demo."
)
def command(port: int, fresh: bool, scale: int | None) -> None:
    """Start the demo network: its own PostgreSQL, its people, the API on 127.0.0.1.

    All of it lies in .pat/ in the checkout (PAT_HOME names another folder) and stays there when the demo stops.
    The people are invented.
    """
    home = Home.find()
    with stoppable(), home.held(port), reserved(HOST, port) as bound, Progress() as progress:
        if fresh:
            home.erase()
        progress.step("starting PostgreSQL", 0.1)
        with home.postgres as postgres:
            settings = prepare(postgres, home, port, scale, progress)
            progress.step("starting the server", 0.05)
            running = Running(os.getpid(), port, settings.database_url)
            home.announce(running)

            def welcome() -> None:
                progress.clear()
                click.echo("\n".join(greeting(running.url)))

            ReadyServer(create_app(settings), bound, welcome).serve_until_stopped()


def greeting(url: str) -> Iterator[str]:
    """What a person reads when the demo is ready: where it is, who signs in, how to ask the first question."""
    yield f"The demo network is ready: {url}/graphql"
    yield ""
    yield from sign_ins(sign_in_table())
    yield ""
    yield "A token, in another terminal:  python3 pat token manager@cbo-a.example"
    yield "Ctrl-C stops it. The data stays; --fresh removes it."

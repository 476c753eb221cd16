"""``pat demo``: the demo network, from an empty checkout to a server that answers."""

import os

import click

from pat_server.commands.home import Home
from pat_server.commands.ports import reserved
from pat_server.commands.progress import Progress
from pat_server.commands.signals import stoppable
from pat_server.commands.trouble import warn

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
    if os.environ.get("DATABASE_URL"):
        warn("The demo has a database of its own; the one that DATABASE_URL names is left alone.")
    home = Home.find()
    with stoppable(), home.held(port), reserved(HOST, port) as bound, Progress() as progress:
        progress.step("starting PostgreSQL", 0.1)
        # All of the application comes with it: what can be refused is refused before.
        from pat_server.commands.demo_network import serve_network

        if fresh:
            home.erase()
        serve_network(home, port, scale, bound, progress)

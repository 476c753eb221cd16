"""The demo network on its own PostgreSQL: started, loaded, served, stopped."""

import os
import socket
from collections.abc import Iterator

import click

from pat_server.app import create_app
from pat_server.commands.demo_database import prepare
from pat_server.commands.home import Home, Running
from pat_server.commands.progress import Progress
from pat_server.commands.serving import ReadyServer
from pat_server.commands.sign_ins import sign_ins
from pat_server.commands.watched import logged
from pat_server.commands.web_build import built_in_background
from pat_server.demo.credentials import demo_password
from pat_server.demo.people import sign_in_table
from pat_server.web import Web

READY_SECONDS = 60
DATABASE_ENDED = "PostgreSQL has ended unexpectedly. Nothing that was saved is lost: start the demo again."


def serve_network(home: Home, port: int, scale: int | None, bound: socket.socket, progress: Progress) -> None:
    """Serve until a signal ends it, as SystemExit. Raises Trouble and PostgresUnavailable."""
    with home.postgres as postgres:
        settings = prepare(postgres, home, port, scale, progress)
        progress.step("starting the server", 0.05)
        running = Running(os.getpid(), port, settings.database_url)

        def welcome() -> None:
            progress.clear()
            click.echo("\n".join(greeting(running.url, demo_password(settings.secret))))

        def failure() -> str | None:
            return None if postgres.pid else DATABASE_ENDED

        home.announce(running)
        app = create_app(settings)
        with logged(level="warning", plain=True), built_in_background(Web.find()):
            ReadyServer(
                app,
                bound,
                on_ready=welcome,
                failure=failure,
                patience_seconds=READY_SECONDS,
                stopping=app.state.stopping,
            ).serve_until_stopped()


def greeting(url: str, password: str) -> Iterator[str]:
    """What a person reads when the demo is ready: where it is, who signs in and with what, how to get a token."""
    yield f"The demo network is ready: {url}/graphql"
    yield ""
    yield from sign_ins(sign_in_table())
    yield ""
    yield f"To explore it in a browser:    {url}/graphiql"
    yield "A token, in another terminal:  python3 pat token manager@cbo-a.example"
    yield f"To sign in to a program:       password {password}, and"
    yield "                               the code of python3 pat person code manager@cbo-a.example"
    yield "Ctrl-C stops it. The data stays; --fresh removes it."
